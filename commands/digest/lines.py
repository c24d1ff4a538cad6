"""Each record as a line of a digest."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from commands.deploy import messages as deploy_words
from commands.kit.blocks import Element, button
from commands.kit.words import code, count, duration, esc, metric, when
from commands.publish import messages as publish_words
from commands.runs.command import DETAILS
from commands.train.messages import best, phase, share
from storage import catalog
from storage.catalog import ModelRow
from storage.deployments import Deployment, Override, Unanswered
from storage.labels import LabelExport, Preparation
from storage.publishes import PublishRun
from storage.runs import TrainingRun

Record = TrainingRun | PublishRun | Deployment | LabelExport | Preparation
REVIEW = "digest.review"
FAILED = ("failed", "lost", "unknown")
EARLY = 0.1  # before that, what is left is a guess


@dataclass(frozen=True)
class Line:
    """One thing to tell, in mrkdwn. `key` is what of it may change; `is_news`: it happened, rather than lasts."""

    key: str
    text: str
    button: Element | None = None
    is_news: bool = False


def unanswered(asked: Unanswered, now: datetime) -> Line:
    deployment = asked.deployment
    text = (
        f"*{_what(deployment)}* has waited {duration(now - asked.since)} for approval: "
        f"{asked.given} of {count(asked.needed, 'approval')} given, expires {when(deployment.expires_at)}"
    )
    return Line(f"{deployment.id} {asked.given}", text, _review(deployment))


def overridden(made: Override) -> Line:
    text = (
        f"*{_what(made.deployment)}*: {esc(made.decision.person_name)} overrode a gate "
        f"{when(made.decision.at)}: {esc(made.decision.reason)}"
    )
    return news(made.deployment.id, text, _review(made.deployment))


def failed(each: Record) -> Line:
    if isinstance(each, TrainingRun):
        what = "training failed" if each.state == "failed" else "training was lost"
        return news(each.id, f"*{esc(each.model_name)}* {what}{_because(each.failure)}", _details(each.id))
    if isinstance(each, PublishRun):
        return news(
            each.id, f"*Publishing {esc(each.branch)}* failed{_because(each.failure)}", _details(each.id)
        )
    if isinstance(each, LabelExport):
        return news(each.id, f"*Labels of {esc(each.title)}* were not exported{_because(each.failure)}")
    if isinstance(each, Preparation):
        text = f"*{esc(each.export_name)}* was not prepared for training{_because(each.failure)}"
        return news(each.id, text)
    how = "was rolled back" if each.state == "rolled_back" else "did not get there"
    why = each.rollback_reason or each.outcome or ""
    return news(each.id, f"*{_what(each)}* {how}: {esc(why)}", _review(each))


def stuck(each: TrainingRun | PublishRun | Deployment, now: datetime) -> Line:
    if isinstance(each, Deployment):
        return Line(f"{each.id} stuck", f"*{_what(each)}* is stuck: {esc(each.trouble)}", _review(each))
    name = esc(each.model_name) if isinstance(each, TrainingRun) else f"Publishing {esc(each.branch)}"
    waiting = each.waiting or {}
    why = esc(each.trouble or f"{waiting.get('sentence') or ''} {waiting.get('remedy') or ''}".strip())
    text = f"*{name}* is stuck, {duration(now - each.requested_at)} after it was asked for: {why}"
    return Line(each.id, text, _details(each.id))


def running(each: Record, now: datetime) -> Line:
    if isinstance(each, TrainingRun):
        leader = best(each)
        figure = f", best mAP {metric(leader['mean_average_precision'])}" if leader else ""
        text = f"*{esc(each.model_name)}*: {esc(phase(each))}{figure}, {_time(each, now)}"
        return Line(each.id, text)
    if isinstance(each, PublishRun):
        return Line(each.id, f"*Publishing {esc(each.branch)}*: {esc(publish_words.standing(each))}")
    if isinstance(each, LabelExport):
        return Line(each.id, f"*Labels of {esc(each.title)}* are being exported")
    if isinstance(each, Preparation):
        return Line(each.id, f"*{esc(each.export_name)}* is being prepared for training")
    waits = f". {esc(each.waiting)}" if each.waiting else ""
    return Line(f"{each.id} {each.state}", f"*{_what(each)}*: {esc(deploy_words.standing(each))}{waits}")


def ended(tx: Connection, each: Record) -> Line:
    if isinstance(each, TrainingRun):
        return _ended_training(tx, each)
    if isinstance(each, PublishRun):
        return news(each.id, f"*Publishing {esc(each.branch)}*: {esc(publish_words.standing(each))}")
    if isinstance(each, LabelExport):
        return news(each.id, f"*Labels of {esc(each.title)}* exported: {code(each.export_name or 'unknown')}")
    if isinstance(each, Preparation):
        return news(each.id, f"*{esc(each.export_name)}* prepared for training: {code(each.target)}")
    outcome = f": {esc(each.outcome)}" if each.outcome and each.state != "shipped" else ""
    how = deploy_words.ENDS.get(each.state) or deploy_words.standing(each)
    return news(each.id, f"*{_what(each)}*: {how}{outcome}")


def _ended_training(tx: Connection, run: TrainingRun) -> Line:
    if run.state == "canceled":
        return news(run.id, f"*{esc(run.model_name)}* training was canceled")
    if run.state in FAILED:
        return news(run.id, f"*{esc(run.model_name)}* training failed, and was asked for again")
    row = catalog.model_of_run(tx, run.id)
    figure = f", mAP {metric(row.mean_average_precision)}" if row else ""
    return news(run.id, f"*{esc(run.model_name)}* v{run.registered_version} trained{figure}")


def by_hand(row: ModelRow) -> Line:
    figure = f", mAP {metric(row.mean_average_precision)}" if row.mean_average_precision is not None else ""
    return news(f"{row.name}:{row.version}", f"*{esc(row.name)}* v{row.version} registered by hand{figure}")


def news(key: str, text: str, shown: Element | None = None) -> Line:
    return Line(key, text, shown, is_news=True)


def _time(run: TrainingRun, now: datetime) -> str:
    done = share(run)
    so_far = f"{duration(now - run.requested_at)} so far"
    if done < EARLY or run.started_at is None:
        return so_far
    return f"{so_far}, about {duration((now - run.started_at) * ((1 - done) / done))} left"


def _because(failure: dict[str, str] | None) -> str:
    told = failure or {}
    why = f"{told.get('cause') or ''} {told.get('remedy') or ''}".strip()
    return f": {esc(why)}" if why else ""


def _what(deployment: Deployment) -> str:
    return f"{esc(deployment.model_name)} v{deployment.model_version} on {esc(deployment.target)}"


def _review(deployment: Deployment) -> Element:
    return button("Review", REVIEW, deployment.id)


def _details(run_id: str) -> Element:
    return button("Details", DETAILS, run_id)

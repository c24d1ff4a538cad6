"""Each record as a line of a digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.deploy import state_words
from commands.kit.blocks import Element, button
from commands.kit.words import code, count, duration, esc, metric, shorten, when
from commands.publish import messages as publish_words
from commands.runs.command import DETAILS
from commands.train.estimate import recorded
from commands.train.messages import best, phase, time_left
from storage.catalog import Registered
from storage.deployments import Deployment, Override, Unanswered
from storage.labels import LabelExport, Preparation
from storage.publishes import PublishRun
from storage.runs import EndedRun, OpenRun, TrainingRun

Moving = OpenRun | PublishRun | Deployment
Running = TrainingRun | PublishRun | Deployment | LabelExport | Preparation
Ended = EndedRun | PublishRun | Deployment | LabelExport | Preparation
REVIEW = "digest.review"
FAILED = ("failed", "lost", "unknown")
LONGEST_NAME, LONGEST_REASON = 60, 200


@dataclass(frozen=True)
class Line:
    """One thing to tell, in mrkdwn. `key` is what of it may change; `is_news`: it happened, rather than lasts. Without
    words it is only counted."""

    key: str
    text: str = ""
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
        f"*{_what(made.deployment)}*: {_name(made.decision.person_name)} overrode a gate "
        f"{when(made.decision.at)}: {_told(made.decision.reason)}"
    )
    return news(made.deployment.id, text, _review(made.deployment))


def failed(each: Ended) -> Line:
    if isinstance(each, EndedRun):
        what = "training failed" if each.state == "failed" else "training was lost"
        return news(each.id, f"*{_name(each.model_name)}* {what}{_because(each.failure)}", _details(each.id))
    if isinstance(each, PublishRun):
        return news(
            each.id, f"*Publishing {_name(each.branch)}* failed{_because(each.failure)}", _details(each.id)
        )
    if isinstance(each, LabelExport):
        return news(each.id, f"*Labels of {_name(each.title)}* were not exported{_because(each.failure)}")
    if isinstance(each, Preparation):
        text = f"*{_name(each.export_name)}* was not prepared for training{_because(each.failure)}"
        return news(each.id, text)
    how = "was rolled back" if each.state == "rolled_back" else "did not get there"
    why = each.rollback_reason or each.outcome or ""
    return news(each.id, f"*{_what(each)}* {how}: {_told(why)}", _review(each))


def stuck(each: Moving, now: datetime) -> Line:
    if isinstance(each, Deployment):
        return Line(f"{each.id} stuck", f"*{_what(each)}* is stuck: {_told(each.trouble)}", _review(each))
    name = _name(each.model_name) if isinstance(each, OpenRun) else f"Publishing {_name(each.branch)}"
    waiting = each.waiting or {}
    why = _told(each.trouble or f"{waiting.get('sentence') or ''} {waiting.get('remedy') or ''}".strip())
    text = f"*{name}* is stuck, {duration(now - each.requested_at)} after it was asked for: {why}"
    return Line(each.id, text, _details(each.id))


def running(each: Running, now: datetime) -> Line:
    if isinstance(each, TrainingRun):
        leader = best(each)
        figure = f", best mAP {metric(leader['mean_average_precision'])}" if leader else ""
        text = f"*{_name(each.model_name)}*: {_told(phase(each))}{figure}, {_time(each, now)}"
        return Line(each.id, text)
    if isinstance(each, PublishRun):
        return Line(each.id, f"*Publishing {_name(each.branch)}*: {_told(publish_words.standing(each))}")
    if isinstance(each, LabelExport):
        return Line(each.id, f"*Labels of {_name(each.title)}* are being exported")
    if isinstance(each, Preparation):
        return Line(each.id, f"*{_name(each.export_name)}* is being prepared for training")
    waits = f". {_told(each.waiting)}" if each.waiting else ""
    return Line(f"{each.id} {each.state}", f"*{_what(each)}*: {_told(state_words.standing(each))}{waits}")


def ended(each: Ended, figures: Mapping[str, float | None]) -> Line:
    """`figures` has the mAP of what each training has registered."""
    if isinstance(each, EndedRun):
        return _ended_training(each, figures)
    if isinstance(each, PublishRun):
        return news(each.id, f"*Publishing {_name(each.branch)}*: {_told(publish_words.standing(each))}")
    if isinstance(each, LabelExport):
        return news(
            each.id,
            f"*Labels of {_name(each.title)}* exported: {code(shorten(each.export_name or 'unknown', LONGEST_NAME))}",
        )
    if isinstance(each, Preparation):
        return news(
            each.id,
            f"*{_name(each.export_name)}* prepared for training: {_code(each.target)}",
        )
    outcome = f": {_told(each.outcome)}" if each.outcome and each.state != "shipped" else ""
    how = state_words.ENDS.get(each.state) or state_words.standing(each)
    return news(each.id, f"*{_what(each)}*: {how}{outcome}")


def _ended_training(run: EndedRun, figures: Mapping[str, float | None]) -> Line:
    if run.state == "canceled":
        return news(run.id, f"*{_name(run.model_name)}* training was canceled")
    if run.state in FAILED:
        return news(run.id, f"*{_name(run.model_name)}* training failed, and was asked for again")
    figure = f", mAP {metric(figures[run.id])}" if run.id in figures else ""
    return news(run.id, f"*{_name(run.model_name)}* v{run.registered_version} trained{figure}")


def by_hand(row: Registered) -> Line:
    figure = f", mAP {metric(row.mean_average_precision)}" if row.mean_average_precision is not None else ""
    return news(f"{row.name}:{row.version}", f"*{_name(row.name)}* v{row.version} registered by hand{figure}")


def news(key: str, text: str, shown: Element | None = None) -> Line:
    return Line(key, text, shown, is_news=True)


def _time(run: TrainingRun, now: datetime) -> str:
    expected = recorded(run.estimate)
    so_far = f"{duration(now - run.requested_at)} so far"
    if left := time_left(run, now):
        return f"{so_far}, about {left} left"
    usual = timedelta(seconds=expected.usual) if expected else None
    return f"{so_far}, usually {duration(usual)} in all" if usual else so_far


def _because(failure: Mapping[str, str] | None) -> str:
    told = failure or {}
    why = f"{told.get('cause') or ''} {told.get('remedy') or ''}".strip()
    return f": {_told(why)}" if why else ""


def _name(outside: str) -> str:
    return esc(shorten(outside, LONGEST_NAME))


def _code(outside: str) -> str:
    return code(shorten(outside, LONGEST_NAME))


def _told(outside: str | None) -> str:
    return esc(shorten(outside or "", LONGEST_REASON))


def _what(deployment: Deployment) -> str:
    return f"{_name(deployment.model_name)} v{deployment.model_version} on {esc(deployment.target)}"


def _review(deployment: Deployment) -> Element:
    return button("Review", REVIEW, deployment.id)


def _details(run_id: str) -> Element:
    return button("Details", DETAILS, run_id)

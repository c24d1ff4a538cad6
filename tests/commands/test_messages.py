"""Whatever names and figures come from outside, every message stays within Slack's limits and mentions no one."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from commands.exports import messages as export_messages
from commands.kit.blocks import Message, picture
from commands.kit.failures import log_tail
from commands.kit.policy import Exports, Policy
from commands.kit.words import esc
from commands.models import messages as model_messages
from commands.models.trend import trend
from commands.publish import messages as publish_messages
from commands.train import messages as train_messages
from commands.train.budget import asks_again
from commands.train.estimate import Estimate
from sandbox.slack.blocks import check_message
from storage import labels, publishes
from storage.catalog import ExportRow, ModelRow
from storage.labels import LabelExport, Preparation
from storage.publishes import PublishRun
from storage.runs import ENDED, OPEN, TrainingRun

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOSTILE = st.sampled_from(
    ["<!here>", "<@U0TRAINER1>", "<https://evil.example|click>", "*bold*", "`code`", "&lt;", "```"]
)
names = st.one_of(
    HOSTILE, st.text(min_size=1, max_size=300), st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)
)
figures = st.none() | st.floats(0, 1)
moments = st.integers(1_577_836_800, 2_051_222_400).map(lambda second: datetime.fromtimestamp(second, UTC))
trials = st.lists(
    st.fixed_dictionaries(
        {
            "run_id": names,
            "number": st.integers(1, 1000),
            "status": st.sampled_from(
                ["Running", "Completed", "Failed", "Canceled", "Queued", "NeverHeardOf"]
            ),
            "mean_average_precision": figures,
            "precision": figures,
            "recall": figures,
            "epoch": st.none() | st.integers(0, 1000),
            "epochs": st.integers(0, 1000),
        }
    ),
    max_size=120,
)
failures = st.none() | st.fixed_dictionaries(
    {"cause": names, "remedy": names, "raw": names, "where": names, "log": st.lists(names, max_size=40)}
)


@st.composite
def runs(draw: st.DrawFn) -> TrainingRun:
    return TrainingRun(
        id=draw(names),
        request_id="r",
        state=draw(st.sampled_from([*OPEN, *ENDED])),
        model_name=draw(names),
        dataset=draw(names),
        dataset_version=draw(names),
        cluster=draw(names),
        experiment=draw(names),
        requested_by="U0TRAINER1",
        requested_by_name=draw(names),
        channel="C0LINEVIS1",
        requested_at=draw(moments),
        ended_at=draw(st.none() | moments),
        studio_url=draw(st.none() | st.just("https://ml.azure.com/runs/x")),
        progress=draw(
            st.none()
            | st.fixed_dictionaries(
                {
                    "trials": trials,
                    "max_trials": st.integers(1, 1000),
                    "max_epochs": st.none() | st.integers(1, 300),
                }
            )
        ),
        waiting=draw(st.none() | st.fixed_dictionaries({"sentence": names, "remedy": st.none() | names})),
        failure=draw(failures),
        trouble=draw(st.none() | names),
        cancel_by=draw(st.none() | names),
        registered_version=draw(st.integers(1, 10**6)),
    )


@st.composite
def models(draw: st.DrawFn, version: int = 7) -> ModelRow:
    return ModelRow(
        name=draw(names),
        version=version,
        created_at=draw(st.none() | moments),
        created_by=draw(st.none() | names),
        mean_average_precision=draw(figures),
        precision=draw(figures),
        recall=draw(figures),
        tags=draw(st.dictionaries(st.sampled_from(["Dataset", "Epoch", "other"]), names)),
        uri=None,
        run_id=None,
        announced=True,
        seen_at=NOW,
    )


stages = st.lists(
    st.fixed_dictionaries(
        {
            "name": names,
            "state": st.sampled_from(["pending", "inProgress", "completed"]),
            "result": st.sampled_from(["", "succeeded", "failed", "canceled", "skipped", "neverHeardOf"]),
            "jobs": st.lists(
                st.fixed_dictionaries(
                    {
                        "name": names,
                        "state": st.sampled_from(["pending", "inProgress", "completed"]),
                        "result": st.sampled_from(["", "succeeded", "failed"]),
                        "task": st.just("") | names,
                    }
                ),
                max_size=12,
            ),
        }
    ),
    max_size=20,
)


@st.composite
def publish_runs(draw: st.DrawFn) -> PublishRun:
    return PublishRun(
        id="publish-20261122-3f9a10",
        request_id="r",
        state=draw(st.sampled_from([*publishes.OPEN, *publishes.ENDED])),
        elsewhere=draw(st.booleans()),
        pipeline="spotter-publish",
        branch=draw(names),
        requested_by_name=draw(st.just("") | names),
        channel="C0LINEVIS1",
        requested_at=draw(moments),
        commit_id=draw(st.none() | st.just("4be1f0c2" * 5)),
        commit_title=draw(st.none() | names),
        commit_author=draw(st.none() | names),
        run_name=draw(st.none() | names),
        run_url=draw(st.none() | st.just("https://dev.azure.com/x/_build/results?buildId=1")),
        reason=draw(st.none() | names | st.just("individualCI")),
        started_at=draw(st.none() | moments),
        ended_at=draw(st.none() | moments),
        stages=draw(st.none() | stages),
        waiting=draw(
            st.none()
            | st.fixed_dictionaries(
                {"kind": st.sampled_from(["permission", "agent"]), "sentence": names, "remedy": names}
            )
        ),
        failure=draw(failures),
        trouble=draw(st.none() | names),
        cancel_by=draw(st.none() | names),
        version=draw(st.none() | names),
    )


@given(publish_runs(), st.none() | names)
def test_the_live_message_of_any_publish_run_is_accepted_by_slack(run: PublishRun, used: str | None) -> None:
    accepted(publish_messages.live(run, used))


seconds = st.floats(0, 1e7)
money = st.none() | st.floats(0, 1e7)
expected = st.builds(
    Estimate, st.integers(1, 60), seconds, seconds, seconds, seconds, money, st.sampled_from(["EUR", "CHF"])
)
spendings = st.builds(train_messages.Spent, st.none() | expected, money, st.sampled_from(["EUR", "CHF"]))


@given(runs(), st.lists(names, max_size=30), spendings)
def test_the_live_message_of_any_run_is_accepted_by_slack(
    run: TrainingRun, thin: list[str], spent: train_messages.Spent
) -> None:
    accepted(train_messages.live(run, thin, NOW + timedelta(days=3), spent))
    tail = log_tail(run.failure)
    if tail is not None:
        accepted(tail)


@given(
    st.fixed_dictionaries(dict.fromkeys(("model_name", "dataset", "cluster", "experiment"), names)), expected
)
def test_the_question_about_any_cost_is_accepted_by_slack(values: dict[str, str], estimate: Estimate) -> None:
    accepted(asks_again(values, estimate, Policy()))


@given(models(), st.lists(models(version=6), max_size=30), st.none() | runs())
def test_any_announcement_is_accepted_by_slack(
    model: ModelRow, earlier: list[ModelRow], run: TrainingRun | None
) -> None:
    numbered = [ModelRow(**{**vars(row), "version": 6 - place}) for place, row in enumerate(earlier[:6])]
    shown = picture("d" * 64, model.name, model.name)
    accepted(model_messages.announcement(model, numbered, run, held_out=shown, has_curves=True))
    moved = trend(model, numbered)
    drawn = picture("d" * 64, moved.words, moved.title) if moved else None
    below = model_messages.details(model, moved, drawn, [shown] if run else [])
    assert (below is None) == (moved is None and run is None)
    if below:
        accepted(below)


@given(st.lists(models(), min_size=1, max_size=20))
def test_any_list_of_versions_is_accepted_by_slack(rows: list[ModelRow]) -> None:
    accepted(model_messages.versions(rows[0].name, rows, has_curves=True))


@st.composite
def exports(draw: st.DrawFn) -> ExportRow:
    measured = st.fixed_dictionaries(
        {
            "model": names,
            "dataset": names,
            "held_out": st.none() | st.integers(0, 10**6),
            "again": st.integers(0, 10**6),
        }
    )
    contents = st.fixed_dictionaries(
        {
            "images": st.integers(0, 10**6),
            "boxes": st.dictionaries(names, st.integers(0, 10**6), max_size=60),
            "images_without_boxes": st.integers(0, 10**6),
            "blockers": st.lists(names, max_size=5),
            "measured": st.none() | measured,
        }
    )
    return ExportRow(
        name=draw(names),
        version="1",
        kind=draw(st.sampled_from(["mltable", "coco"])),
        created_at=draw(st.none() | moments),
        created_by=draw(st.none() | names),
        uri=None,
        contents=draw(st.none() | contents),
        unreadable=draw(st.none() | names),
        seen_at=NOW,
        present=True,
    )


@given(exports(), st.none() | exports(), st.just("") | names)
def test_any_new_export_is_accepted_by_slack(
    export: ExportRow, previous: ExportRow | None, problem: str
) -> None:
    accepted(export_messages.announcement(export, previous, problem, Exports()))


@given(
    st.builds(
        LabelExport,
        id=st.just("labels"),
        state=st.sampled_from([*labels.EXPORTING, "exported", "failed", "unknown"]),
        project=names,
        title=names,
        labelled=st.integers(0, 10**6),
        requested_by=st.just("U0TRAINER1"),
        requested_by_name=names,
        channel=st.just("C0LINEVIS1"),
        requested_at=moments,
        export_name=st.none() | names,
        failure=failures,
        trouble=st.none() | names,
    )
)
def test_any_label_export_is_accepted_by_slack(wish: LabelExport) -> None:
    accepted(export_messages.exporting(wish))


@given(
    st.builds(
        Preparation,
        id=names,
        state=st.sampled_from([*labels.PREPARING, "prepared", "failed"]),
        export_name=names,
        export_version=st.just("1"),
        export_uri=names,
        target=names,
        cluster=names,
        requested_by=st.just("U0TRAINER1"),
        requested_by_name=names,
        channel=st.just("C0LINEVIS1"),
        requested_at=moments,
        status=st.none() | names,
        studio_url=st.none() | st.just("https://ml.azure.com/runs/x"),
        failure=failures,
        trouble=st.none() | names,
    )
)
def test_any_preparation_is_accepted_by_slack(preparation: Preparation) -> None:
    accepted(export_messages.preparing(preparation))


@given(st.text() | HOSTILE)
def test_escaped_text_holds_no_mention_link_or_format(text: str) -> None:
    assert not set(esc(text)) & set("<>*~`")


def accepted(message: Message) -> None:
    content = message.content()
    assert content["text"].strip()
    assert not {"<!here>", "<@U0TRAINER1>", "<https://evil.example|click>"} & set(content["text"].split())
    assert "<!" not in content["text"]
    for form in ("blocks", "drawn", "plain"):
        blocks: list[dict[str, Any]] = copy.deepcopy(content.get(form) or content["blocks"])
        check_message(blocks)
        for text in mrkdwn_of(blocks):
            assert "<!here>" not in text
            assert "<@" not in text
            assert "<https://evil" not in text


def mrkdwn_of(value: Any) -> list[str]:
    """Every text that Slack would format."""
    if isinstance(value, list):
        return [text for inner in value for text in mrkdwn_of(inner)]
    if not isinstance(value, dict):
        return []
    own = [str(value["text"])] if value.get("type") == "mrkdwn" else []
    return own + [text for inner in value.values() for text in mrkdwn_of(inner)]

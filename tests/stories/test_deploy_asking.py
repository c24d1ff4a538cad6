"""Asking for a model on a line, and who decides."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlalchemy import select

from commands.models.lineage import card as card_of
from commands.models.lineage import lineage, record
from sandbox.faults import Fault
from sandbox.people import Message, Person
from storage import audit, catalog, deployments
from storage.database import Store
from storage.tables import messages
from tests.stories.deploying import LINE_1, MODEL, asks, two_versions
from tests.stories.registry import registers
from tests.stories.stage import Stage, steady


def is_on_record(card: Message, stage: Stage) -> bool:
    with closing(stage.store()) as store, store.read() as tx:
        return bool(tx.execute(select(messages.c.key).where(messages.c.ts == card.ts)).scalar())


def gives_a_reason(person: Person, button: str, card: Message, reason: str) -> None:
    person.clicks(button, on=card)
    form = person.sees_modal({"Reject …": "Reject the deployment"}.get(button, "Override failed gates"))
    form.fills({"Why": reason})
    form.submits()


def test_approvers_see_what_they_decide_about_and_only_they_decide(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(lines=LINE_1, before=two_versions)
    first, second = stage.people["first_approver"], stage.people["second_approver"]

    stage.outsider.types(f"/deploy {MODEL} line-1 'because'")
    assert "needs the role deploy" in stage.outsider.sees("role").text
    stage.trainer.types(f"/deploy {MODEL}:7 line-1 'because'")
    assert stage.trainer.sees("no version").text == snapshot(
        ":warning: Cap_Detection_Model has no version “7”. It has v2, v1."
    )
    stage.trainer.types(f"/deploy {MODEL} line-9 'because'")
    assert stage.trainer.sees("line-9").text == snapshot(
        ":warning: There is no target called “line-9”. Choose line-1."
    )

    stage.trainer.types(f"/deploy {MODEL} line-1")
    form = stage.trainer.sees_modal("Deploy a model")
    assert form.field("Model version").value == f"{MODEL} v2", "a name alone means its newest"
    form.closes()

    card = asks(stage)
    assert stage.trainer.sees("Spotter collects").text == snapshot(
        "Spotter collects what approvers of line-1 need to see, and then asks them in #line-vision."
    )
    assert steady(card.text) == snapshot("""\
# Put Cap_Detection_Model v2 on line-1?
@edge-approvers: 2 approvals needed.
trainer asks: “fewer missed caps”
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Gates: 2 of 2 passed
:white_check_mark: mAP: 0.xxx (at least 0.xxx)
:white_check_mark: Against the model now there: there is none yet
Measured on held-out pictures of caps_20261120_093011 · Devices: canary: line-1-cam-1; all: line-1-cam-1, line-1-cam-2
Expires <time> · fingerprint <id>
[Approve v2] [Reject …] [Withdraw]\
""")
    stage.until(lambda: is_on_record(card, stage), "Spotter knows where its card is")
    for_first = first.opens_home("1 decision needs you").text.partition("# Nothing is running")[0]
    assert steady(for_first) == snapshot("""\
# 1 decision needs you
Put Cap_Detection_Model v2 on line-1? trainer asks: “fewer missed caps”
2 approvals needed, expires <time>
mAP 0.xxx, Precision 0.xxx, Recall 0.xxx
Gates: 2 of 2 passed
:white_check_mark: mAP: 0.xxx (at least 0.xxx)
:white_check_mark: Against the model now there: there is none yet
Measured on held-out pictures of caps_20261120_093011 · Devices: canary: line-1-cam-1; all: line-1-cam-1, line-1-cam-2 · Its card in the channel
[Approve v2] [Reject …]
---
""")
    stage.trainer.clicks("Approve v2", on=card)
    assert stage.trainer.sees("may not").text == snapshot(
        ":warning: You may not decide for line-1. Ask @edge-approvers."
    )
    stage.outsider.clicks("Withdraw", on=card)
    assert stage.outsider.sees("withdraw").text == snapshot(
        ":warning: Only trainer, who asked, can withdraw it. Approvers can reject it."
    )

    first.clicks("Approve v2", on=card)
    card.becomes("1 approval needed")
    first.clicks("Approve v2", on=card)
    assert first.sees("already").text == snapshot(
        ":warning: You have decided about this already. The card shows who has, and who is still needed."
    )

    refused = Fault("POST", "usergroups.users.list", "answer", times=1000)
    stage.world.slack_faults.arm(refused)
    second.clicks("Approve v2", on=card)
    assert second.sees("for now").text == snapshot(
        ":warning: Slack did not say who is in the group that may do this, so the answer is no for now. Nothing was changed. Try again in a minute."
    )
    stage.world.slack_faults.disarm(refused)

    gives_a_reason(second, "Reject …", card, "the lamp is being replaced today")
    assert steady(card.becomes("rejected").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: rejected
second_approver says: “the lamp is being replaced today”. Nothing was shipped.
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>
Approved by first_approver <time> · Rejected by second_approver <time>: “the lamp is being replaced today” · fingerprint <id>\
""")
    assert card.thread_shows("rejected").text == snapshot(
        ":no_entry: @Trainer: Cap_Detection_Model v2 on line-1 is rejected. second_approver says: “the lamp is being replaced today”."
    )
    with stage.store().read() as tx:
        (ended,) = deployments.recent(tx, 5)
        assert [row.action for row in audit.rows(tx, subject=ended.id)] == snapshot(
            ["deploy.request", "deploy.ask", "deploy.approve", "deploy.reject"]
        )
        assert audit.verify(tx) is None


def test_no_one_approves_what_they_asked_for_and_a_newer_request_takes_the_place(
    new_stage: Callable[..., Stage],
) -> None:
    stage = new_stage(lines=LINE_1, before=two_versions)
    first = stage.people["first_approver"]
    own = asks(stage, by=first)
    first.clicks("Approve v2", on=own)
    assert first.sees("yourself").text == snapshot(
        ":warning: You asked for this yourself, so you cannot approve it. Somebody else has to."
    )

    newer = asks(stage, 1, "to compare on the line")
    assert steady(own.becomes("The newer request").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: superseded
trainer asked for Cap_Detection_Model v1 instead. Nothing was shipped. The newer request
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by first_approver <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>\
""")
    assert own.thread_shows("superseded").text == snapshot(
        ":no_entry: @First approver: Cap_Detection_Model v2 on line-1 is superseded. trainer asked for Cap_Detection_Model v1 instead."
    )
    assert steady(newer.text) == snapshot("""\
# Put Cap_Detection_Model v1 on line-1?
@edge-approvers: 2 approvals needed.
trainer asks: “to compare on the line”
Metric    | v1
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Gates: 1 of 2 passed
:x: mAP: 0.xxx (at least 0.xxx)
:white_check_mark: Against the model now there: there is none yet
Measured on held-out pictures of caps_20261120_093011 · Devices: canary: line-1-cam-1; all: line-1-cam-1, line-1-cam-2
Expires <time> · fingerprint <id>
[Override gates …] [Reject …] [Withdraw]\
""")

    stage.trainer.clicks("Withdraw", on=newer)
    assert steady(newer.becomes("withdrawn").text) == snapshot("""\
# Cap_Detection_Model v1 on line-1: withdrawn
Withdrawn by trainer. Nothing was shipped. Ask again with /deploy.
Metric    | v1
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “to compare on the line” · request line-1-cap_detection_model-1-<id>\
""")


def test_a_failed_gate_needs_an_override_that_everybody_sees(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(lines=LINE_1, before=two_versions)
    first, second = stage.people["first_approver"], stage.people["second_approver"]
    card = asks(stage, 1, "to compare on the line")
    gives_a_reason(second, "Override gates …", card, "it is only for an hour")
    refused = second.sees_modal("Override failed gates").becomes("may not")
    assert refused.text == snapshot("""\
# Override failed gates
:warning: You may not override gates for line-1. Ask @First approver.
Why: it is only for an hour
  (Everybody in the channel reads this)
Gates: 1 of 2 passed
:x: mAP: 0.410 (at least 0.500)
:white_check_mark: Against the model now there: there is none yet
[Cancel] [Override and approve]\
""")
    refused.closes()

    gives_a_reason(first, "Override gates …", card, "it is only for an hour")
    card.becomes("1 approval needed")
    assert (
        stage.line.shows("overrides a gate").text
        == card.thread_shows("overrides a gate").text
        == snapshot("""\
:warning: first_approver overrides a gate for Cap_Detection_Model v1 on line-1: mAP (0.410)
Reason: it is only for an hour\
""")
    )
    assert steady(card.refresh().text) == snapshot("""\
# Put Cap_Detection_Model v1 on line-1?
@edge-approvers: 1 approval needed. first_approver approved.
trainer asks: “to compare on the line”
:warning: Overridden by first_approver: mAP (0.xxx)
Reason: it is only for an hour
Metric    | v1
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Gates: 1 of 2 passed
:x: mAP: 0.xxx (at least 0.xxx)
:white_check_mark: Against the model now there: there is none yet
Measured on held-out pictures of caps_20261120_093011 · Devices: canary: line-1-cam-1; all: line-1-cam-1, line-1-cam-2
Expires <time> · fingerprint <id>
[Approve v1] [Reject …] [Withdraw]\
""")
    assert "first_approver overrides mAP (0.410): “it is only for an hour”" in str(card.blocks[-1])

    registers(stage.world, MODEL, "caps_20261121_093011", 0.9)
    stage.line.shows(f"{MODEL} v3 registered")
    stage.world.azure.studio.delete_model_version(MODEL, "1")
    assert steady(card.becomes("out of date").text) == snapshot("""\
# Cap_Detection_Model v1 on line-1: out of date
After it was asked for, the model version is not in the registry any more. Nothing was shipped. Ask again with /deploy.
Metric    | v1
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “to compare on the line” · request line-1-cap_detection_model-1-<id>
Gates overridden by first_approver <time>: “it is only for an hour” · Approved by first_approver <time> · fingerprint <id>\
""")


def test_an_undecided_request_reminds_and_then_expires(new_stage: Callable[..., Stage]) -> None:
    short = "expires_hours = 0.0025\nremind_hours = 0.0015\napprovals = 2"
    stage = new_stage(lines=LINE_1, before=two_versions, policy={"approvals = 2": short})
    card = asks(stage)
    assert steady(card.thread_shows("still needs").text) == snapshot(
        ":hourglass: @edge-approvers: Cap_Detection_Model v2 on line-1 still needs 2 approvals and expires <time>."
    )
    assert steady(card.becomes("expired").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: expired
Nobody decided in time. Nothing was shipped. Ask again with /deploy.
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>\
""")
    assert card.thread_shows("expired").text == snapshot(
        ":no_entry: @Trainer: Cap_Detection_Model v2 on line-1 is expired. Nobody decided in time."
    )


def test_an_audit_shows_who_decided_what_about_a_model_and_finds_what_was_changed(
    new_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = new_stage(lines=LINE_1, before=two_versions)
    card = asks(stage)
    stage.people["first_approver"].clicks("Approve v2", on=card)
    card.becomes("1 approval needed")
    gives_a_reason(stage.people["second_approver"], "Reject …", card, "the lamp is being replaced today")
    card.becomes("rejected")
    stage.outsider.types(f"/models {MODEL}:2")
    assert steady(stage.outsider.sees("where it comes from").text) == snapshot("""\
# Cap_Detection_Model v2: where it comes from, and where it went
Labeling export
caps_20261120_093011
Training
No training of Spotter's: registered by Line engineer <time>
Measured
mAP 0.xxx, precision 0.xxx, recall 0.xxx
line-1: rejected, <time>
Asked by trainer <time>: “fewer missed caps”; first_approver approved <time>; second_approver rejected <time>: “the lamp is being replaced today”; what they saw has the fingerprint <id>
Devices
No device reports that it runs it now.
For an audit, whoever runs Spotter prints all of this with 4 audit rows: spotter audit export --model Cap_Detection_Model:2\
""")

    told = json.loads(stage.bot.tells("audit", "export", "--model", f"{MODEL}:2"))
    (request,) = told["deployments"]
    assert [(each["person_name"], each["verdict"]) for each in request["decisions"]] == snapshot(
        [("first_approver", "approve"), ("second_approver", "reject")]
    )
    assert {each["fingerprint"] for each in request["decisions"]} == {request["fingerprint"]}
    assert told["trail"] == "whole"
    assert (told["contradictions"], told["model"]["in_registry"]) == ([], True)
    page = stage.bot.tells("audit", "export", "--model", f"{MODEL}:2", "--page")
    assert "the lamp is being replaced today" in page and "<script" not in page
    assert told["trail_end"] in page

    copy = tmp_path / "copy.db"
    with (
        closing(sqlite3.connect(copy)) as into,
        closing(sqlite3.connect(stage.store().url.removeprefix("sqlite:///"))) as there,
    ):
        there.backup(into)
    of_copy = ("--database-url", f"sqlite:///{copy}")
    with Store(of_copy[1]).write() as tx:
        catalog.keep_models(tx, MODEL, [])
        gone, never = lineage(tx, MODEL, 2), lineage(tx, MODEL, 3)
    assert gone and never is None
    of_trail = {name: told[name] for name in ("trail", "trail_end")}
    assert {**record(gone), "model": told["model"], **of_trail} == told, "it needs no registry"
    assert "not in the registry any more" in str(card_of(gone).content())

    with Store(of_copy[1]).write() as tx:
        tx.exec_driver_sql("UPDATE decisions SET reason = 'it was replaced' WHERE verdict = 'reject'")
        tx.exec_driver_sql("UPDATE decisions SET person = 'U0TRAINER1' WHERE verdict = 'approve'")
        tx.exec_driver_sql("UPDATE deployments SET evidence = json_set(evidence, '$.candidate.recall', 0.99)")
        tx.exec_driver_sql("UPDATE deployments SET state = 'shipped', requested_by = 'U0TRAINER2'")
    with pytest.raises(AssertionError) as changed:
        stage.bot.tells("audit", "export", "--model", f"{MODEL}:2", *of_copy)
    assert re.findall("changed after it was recorded: [^:]+: (.*)", str(changed.value)) == snapshot(
        [
            "who asked is not what the trail says.",
            "what approvers saw is not what the trail says.",
            "the decision of U0APPROVE1 (approve) is missing.",
            "the decision of second_approver (reject) is not what the trail says.",
            "the trail does not know that first_approver decided (approve).",
            "how it stands is not what the trail says.",
        ]
    )

    with Store(of_copy[1]).write() as tx:
        tx.exec_driver_sql("UPDATE audit SET details = '{}' WHERE action = 'deploy.reject'")
    with pytest.raises(AssertionError, match="broken at row"):
        stage.bot.tells("audit", "export", "--model", f"{MODEL}:2", *of_copy)

"""An approved model on its way to the devices of a line, ring by ring, and back."""

from collections.abc import Callable

import requests
from inline_snapshot import snapshot

from commands.models.lineage import lineage, record
from storage import audit
from storage.audit import AuditRow
from tests.stories.deploying import MODEL, approved, asks, looks_anew, sees, shipping
from tests.stories.stage import Stage, steady
from tests.stories.trouble import said

__all__ = ["shipping"]


def test_canary_first_then_all_and_back_by_a_click(shipping: Callable[..., Stage]) -> None:
    stage = shipping(policy={"deadline_minutes = 0.5": "deadline_minutes = 20"})
    other = stage.world.edge.plant["line-1-cam-2"]
    stage.until(lambda: sees(stage, other.id) == "Cap_Detection_Model:1 ['old']", "the old model runs")
    card = asks(stage)
    assert steady(card.text) == snapshot("""\
# Put Cap_Detection_Model v2 on line-1?
@edge-approvers: 2 approvals needed.
trainer asks: “fewer missed caps”
Metric    | v2    | v1, now there | Change
mAP       | 0.xxx | 0.xxx         | +0.xxx better
Precision | 0.xxx | 0.xxx         | unchanged
Recall    | 0.xxx | 0.xxx         | unchanged
Gates: 2 of 2 passed
:white_check_mark: mAP: 0.xxx (at least 0.xxx)
:white_check_mark: Against Cap_Detection_Model v1: 0.xxx better (at most 0.xxx worse)
Both measured on held-out pictures of caps_20261120_093011 · Devices: canary: line-1-cam-1; all: line-1-cam-1, line-1-cam-2
Expires <time> · fingerprint <id>
[Approve v2] [Reject …] [Withdraw]\
""")
    other.go_silent()
    approved(stage, card)
    card.becomes("all is rolling out")
    assert looks_anew(stage, "line-1-cam-1") == "Cap_Detection_Model:2 ['new']"
    assert sees(stage, other.id) == "Cap_Detection_Model:1 ['old']"
    other.recover()
    card.becomes("on all devices")
    assert steady(card.text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: on all devices
Ring   | State | Devices | Healthy | Failed | Silent
canary | done  | 1       | 1       | 0      | 0
all    | done  | 2       | 2       | 0      | 0
Approved by first_approver <time> · Approved by second_approver <time> · fingerprint <id>
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>
[Open canary run] [Open all run] [Roll back]\
""")
    stage.until(lambda: sees(stage, "line-1-cam-2") == "Cap_Detection_Model:2 ['new']", "all see with it")
    asked = stage.world.devops.portal.builds()[0].given
    assert _by_hand(stage, {**asked, "correlationId": "none"}) == snapshot(
        "Nobody has approved this run in Spotter. Ask with /deploy in Slack."
    )
    assert _by_hand(stage, asked) == snapshot(
        "Its request in Spotter is not to be shipped: it is on all devices."
    )
    assert _by_hand(stage, {**asked, "modelVersion": "1"}) == snapshot(
        "Its request in Spotter is not to be shipped: it is on all devices."
    )
    assert stage.line.shows("wanted to put .* v1 on line-1").text == snapshot("""\
:no_entry: A run of Line engineer in Azure DevOps wanted to put Cap_Detection_Model v1 on line-1, and was not let in.
Its request in Spotter is not to be shipped: it is on all devices.
[Open the run]\
""")
    wrong = requests.post(
        f"{stage.bot.url}/checks/deployment",
        json={"buildId": "1"},
        headers={"X-Spotter-Secret": "a guess"},
        timeout=60,
    )
    assert wrong.status_code == 401

    stage.trainer.clicks("Roll back", on=card)
    assert steady(card.becomes(": rolled back").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: rolled back
trainer rolled it back.
Ring   | State      | Devices | Healthy | Failed | Silent
canary | taken back | 1       | –       | –      | –
all    | taken back | 2       | –       | –      | –
Approved by first_approver <time> · Approved by second_approver <time> · fingerprint <id>
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>
[Open canary run] [Open all run]\
""")
    stage.until(
        lambda: sees(stage, "line-1-cam-2") == "Cap_Detection_Model:1 ['old']", "the old model is back"
    )
    card.thread_shows("runs again")
    assert [steady(reply.text) for reply in card.thread()] == snapshot(
        [
            ":white_check_mark: Cap_Detection_Model v2 on line-1: 2 devices run it and report that it works.",
            """\
:rewind: Cap_Detection_Model v2 on line-1 is being rolled back; Cap_Detection_Model v1 comes back.
trainer rolled it back.\
""",
            ":rewind: line-1: Cap_Detection_Model v1 runs again.",
        ]
    )
    assert _by_hand(stage, asked) == snapshot(
        "Its request in Spotter is not to be shipped: it is rolled back."
    )
    stage.until(
        lambda: said(stage, "and was not let in") == 4, "the channel has read of each of these runs once"
    )
    shipped = stage.world.edge_faults.log("PUT", "/configurations/line-1-")
    assert len(shipped) == 2, "nothing but the two rings that were approved"
    with stage.store().read() as tx:
        found = lineage(tx, MODEL, 2)
    assert found
    told = record(found)
    let_in = {row["subject"] for row in told["audit"] if row["details"].get("approved")}
    assert let_in == {f"run:{ring['run_id']}" for ring in told["deployments"][0]["rings"]}
    assert told["contradictions"] == []


def _by_hand(stage: Stage, parameters: dict[str, str]) -> str:
    """Somebody starts the edge pipeline in Azure DevOps; why its environment lets the run not in."""
    portal = stage.world.devops.portal
    build = portal.run_pipeline("spotter-edge", parameters=parameters)

    def answers() -> list[AuditRow]:
        with stage.store().read() as tx:
            return list(audit.rows(tx, subject=f"run:{build.id}"))

    stage.until(answers, "its environment asks Spotter")
    portal.cancel(build)  # it would be asked again for some minutes
    stage.until(lambda: build.over, "the run ends")
    checked, *_ = answers()
    assert checked.details["approved"] is False
    assert not any(record.type == "Task" for record in build.records)
    return str(checked.details["reason"])

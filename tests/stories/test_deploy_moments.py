"""Several people at the same moment: whatever they click, a request has one outcome."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sandbox.people import Message
from sandbox.people.wire import RefusedError
from storage import audit, deployments
from tests.stories.deploying import MODEL, asks, two_versions
from tests.stories.stage import Stage

SHORT = """
[targets.line-2]
channel = "C0LINEVIS1"
approvers = ["S0APPROVERS"]
approvals = 1
expires_hours = 0.004
remind_hours = 1
[targets.line-1.gates]"""


def at_once(*acts: Callable[[], object]) -> None:
    """Whoever comes so late that the button has gone has done nothing."""
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            try:
                done.result()
            except RefusedError as refused:
                if "no longer there" not in str(refused):
                    raise


def told(stage: Stage, target: str, *actions: str) -> list[str]:
    """What the audit trail says of a target's request, of these actions."""
    with stage.store().read() as tx:
        found = [row for row in audit.rows(tx) if row.details.get("target") == target]
        return [row.action for row in found if row.action in actions]


def test_one_outcome_whoever_clicks_at_the_same_moment(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(
        lines={"line-1": 2, "line-2": 1}, before=two_versions, policy={"\n[targets.line-1.gates]": SHORT}
    )
    first, second = stage.people["first_approver"], stage.people["second_approver"]

    stage.trainer.types(f"/deploy {MODEL}:2 line-2 'before the shift ends'")
    hasty = stage.line.shows(rf"Put {MODEL} v2 on line-2\?")
    _meanwhile_twelve_clicks_are_one(stage, asks(stage))

    with stage.store().read() as tx:
        (waiting,) = deployments.in_states(tx, ("waiting",), "line-2")
    stage.until(
        lambda: (waiting.expires_at - datetime.now(UTC)).total_seconds() < 0.05, "it is about to expire"
    )
    at_once(
        lambda: first.clicks("Approve v2", on=hasty),
        lambda: second.clicks("Approve v2", on=hasty),
    )
    hasty.becomes("expired|not shipped")
    assert len(told(stage, "line-2", "deploy.approve", "deploy.expired")) == 1


def _meanwhile_twelve_clicks_are_one(stage: Stage, card: Message) -> None:
    first, second = stage.people["first_approver"], stage.people["second_approver"]
    at_once(*[lambda: first.clicks("Approve v2", on=card)] * 12)
    card.becomes("1 approval needed")
    first.sees("decided about this already")
    assert told(stage, "line-1", "deploy.approve") == ["deploy.approve"]

    first.clicks("Reject …", on=card)
    form = first.sees_modal("Reject the deployment")
    form.fills({"Why": "the lamp is being replaced"})
    at_once(lambda: second.clicks("Approve v2", on=card), form.submits)
    card.becomes("rejected|not shipped")
    outcomes = told(stage, "line-1", "deploy.approve", "deploy.reject")
    approve, reject = "deploy.approve", "deploy.reject"
    # What is approved may be rejected until it is begun; what is rejected is not approved any more.
    assert outcomes in ([approve, reject], [approve, approve], [approve, approve, reject])

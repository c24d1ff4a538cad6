"""Why a stage of an Azure DevOps run waits, and why a run failed."""

from collections.abc import Sequence
from dataclasses import replace

from infra.devops.approvals import Approval
from infra.devops.faults import RunFault
from infra.devops.stages import Hold, HoldKind, Stage
from infra.failures.explain import Explanation, explain, sentence, shortened
from infra.failures.waiting import Waiting

NAMES_SHOWN = 4
UNKNOWN_REMEDY = "Open the run in Azure DevOps and read its log."
# What a person has to do comes before what passes by itself.
_MOST_URGENT_FIRST: tuple[HoldKind, ...] = ("permission", "approval", "check", "agent", "lock")


def why_stage_waits(stage: Stage, approvals: Sequence[Approval] = ()) -> Waiting | None:
    """The reason in a sentence, or None for a stage that waits for nothing but the stages before it.

    `approvals` are those that are pending in the project: they tell who is asked.
    """
    holds = sorted(stage.holds, key=lambda hold: _MOST_URGENT_FIRST.index(hold.kind))
    return _waiting(holds[0], approvals) if holds else None


def explain_run(fault: RunFault) -> Explanation:
    """The explanation of a failed run."""
    found = explain(fault.messages, log_lines=fault.last_lines)
    if found.is_known:
        return found
    cause = sentence(found.raw) or "Azure DevOps gives no reason."
    return replace(found, cause=cause, remedy=UNKNOWN_REMEDY, ours=True, again=False)


def _waiting(hold: Hold, approvals: Sequence[Approval]) -> Waiting:
    found = explain([hold.words]) if hold.words else None
    if found and found.is_known:
        return Waiting(found.cause, found.remedy, normal=found.reason.startswith("agents-busy"))
    said = f" Azure DevOps says: {found.raw}" if found else ""
    if hold.kind == "approval":
        approval = next((each for each in approvals if each.id == hold.id), None)
        return Waiting(_approval(approval) + said, "Answer it in Azure DevOps, under the run.")
    if hold.kind == "permission":
        return Waiting(
            "The pipeline may not use one of its resources yet." + said,
            "Somebody with the User role on that resource opens the run and presses Permit.",
        )
    if hold.kind == "lock":
        return Waiting("Another run holds the stage's exclusive lock." + said, normal=True)
    if hold.kind == "agent":
        return Waiting("It waits for a free agent." + said, normal=not said)
    name = f" “{shortened(hold.name, 60)}”" if hold.name else ""
    return Waiting(
        f"A check{name} has not passed yet.{said}", "Open the run in Azure DevOps and look at its checks."
    )


def _approval(approval: Approval | None) -> str:
    if approval is None or not approval.approvers:
        return "It waits for an approval in Azure DevOps."
    shown = [shortened(name, 60) for name in approval.approvers[:NAMES_SHOWN]]
    more = len(approval.approvers) - len(shown)
    names = ", ".join(shown) + (f" and {more} more" if more else "")
    some = f"{approval.needed} of " if approval.needed < len(approval.approvers) else ""
    return f"It waits for approval by {some}{names}."

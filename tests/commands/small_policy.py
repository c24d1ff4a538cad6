"""What `spotter.toml` says of the small plant, and what of it changes."""

from typing import Any

from commands.kit.policy import Gates, Pace, Policy, Roles, Target
from tests.commands.small_plant import APPROVERS, LINES, MEMBERS

BOSS = "UBOSS"
"""May put gates aside, but is no approver."""

CHANGING: dict[str, tuple[Any, Any]] = {
    "approvals": (2, 3),
    "freeze": ([], ["2020-01-01 - 2099-01-01"]),
    "rings": (["canary", "all"], ["all"]),
    "override": ([MEMBERS[0], BOSS], []),
    "gates": (Gates(mean_average_precision=0.5), Gates(mean_average_precision=0.7)),
}


def usual_policy() -> Policy:
    """A run that was asked for has settled before a minute is over."""
    return Policy(
        roles=Roles(deploy="everyone", approve=[APPROVERS]),
        pace=Pace(runs_seconds=5),
        targets={line: _target() for line in LINES},
    )


def changed(policy: Policy, what: str) -> Policy:
    """The first line's setting as it is not now."""
    line, (usual, other) = policy.targets[LINES[0]], CHANGING[what]
    now = {name: getattr(line, name) for name in CHANGING}
    there = _target(**{**now, what: other if now[what] == usual else usual})
    return policy.model_copy(update={"targets": {**policy.targets, LINES[0]: there}})


def _target(**changed: Any) -> Target:
    fixed = {"bake_minutes": 1, "deadline_minutes": 5}
    usual = {name: usual for name, (usual, _) in CHANGING.items()}
    return Target.model_validate({"channel": "C0LINE", **fixed, **usual, **changed})

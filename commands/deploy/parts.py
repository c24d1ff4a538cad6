"""What several messages about a request have in common."""

from collections.abc import Sequence

from commands.deploy.facts import not_passed
from commands.kit.blocks import Block, Element, button, context, section
from commands.kit.words import code, esc, listing, when
from storage.deployments import Decision, Deployment

REJECT, WITHDRAW, RUN = "deploy.ask_reject", "deploy.withdraw", "deploy.run"


def what(deployment: Deployment) -> str:
    return f"{deployment.model_name} v{deployment.model_version} on {deployment.target}"


def overrides(deployment: Deployment, decided: Sequence[Decision]) -> list[Block]:
    gates = esc(listing(not_passed(deployment)))
    return [
        section(f":warning: *Overridden by {esc(each.person_name)}: {gates}*\nReason: {esc(each.reason)}")
        for each in decided
        if each.verdict == "override"
    ]


def verdicts(decided: Sequence[Decision]) -> list[str]:
    """Who decided what and when, and the fingerprint of what they saw."""
    words = {"approve": "Approved", "override": "Gates overridden", "reject": "Rejected"}
    said = [
        f"{words[each.verdict]} by {esc(each.person_name)} {when(each.at)}"
        + (f": “{esc(each.reason)}”" if each.reason else "")
        for each in decided
    ]
    seen = dict.fromkeys(each.fingerprint for each in decided)
    return [*said, *(f"fingerprint {code(each[:12])}" for each in seen)]


def asked_by(deployment: Deployment) -> Block:
    return context(
        f"Asked by {esc(deployment.requested_by_name)} {when(deployment.requested_at)}: “{esc(deployment.reason)}”",
        f"request {code(deployment.id)}",
    )


def reject(deployment: Deployment) -> Element:
    return button("Reject …", REJECT, deployment.id)


def withdraw(deployment: Deployment) -> Element:
    return button("Withdraw", WITHDRAW, deployment.id)

"""Changes a request's record; its messages and its audit row go into the same transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from commands.deploy.aloud import ended_aloud
from commands.deploy.messages import asked_below, card
from commands.kit.blocks import Message
from commands.kit.policy import Target
from commands.kit.services import Services
from storage import audit, deployments, marks, messages
from storage.deployments import Deployment

ENDED = deployments.ENDED
TOLD = ("rejected", "expired", "stale")


def change(
    tx: Connection,
    deployment: Deployment,
    services: Services,
    *,
    action: str | None = None,
    actor: str = "spotter",
    details: dict[str, Any] | None = None,
    **columns: Any,
) -> Deployment:
    """The request as it is after the change; `action` and `details` are what the audit trail says of it."""
    now = services.clock.now()
    if columns.get("state") in ENDED:
        columns = {"ended_at": now, "waiting": None, "trouble": None, **columns}
    changed = deployments.change(tx, deployment.id, **columns)
    if action:
        audit.record(
            tx,
            at=now,
            actor=actor,
            action=action,
            subject=deployment.id,
            model=changed.model,
            target=changed.target,
            state=changed.state,
            fingerprint=changed.fingerprint,
            outcome=changed.outcome,
            **(details or {}),
        )
    show(tx, changed, services)
    if action and changed.state in TOLD:
        tell(tx, changed, services, "ended", ended_aloud(changed))
    return changed


def note_trouble(deployment: Deployment, trouble: str | None, services: Services) -> None:
    """On the card, until it is noted that there is none any more."""
    if deployment.trouble == trouble:
        return
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == deployment.state:
            change(tx, now, services, trouble=trouble)


def approvers(target: Target, services: Services) -> Sequence[str]:
    """Groups and people who may approve on a target. Everybody is never meant: then nobody may."""
    if target.approvers is not None:
        return target.approvers
    named = services.policy.roles.approve
    return [] if named == "everyone" else named


def card_of(tx: Connection, deployment: Deployment, services: Services) -> Message:
    target = services.policy.targets.get(deployment.target)
    decided = deployments.decisions_on(tx, deployment.id)
    may = approvers(target, services) if target else ()
    return card(deployment, decided, may, _successor(tx, deployment), _newer(tx, deployment))


def show(tx: Connection, deployment: Deployment, services: Services) -> None:
    """One card for each request, updated in place.

    It begins with the question: Slack tells people of a mention in a new message only. What comes before stands in a
    message of its own, which is posted when there is something to say.
    """
    shown = card_of(tx, deployment, services)
    before = messages.get(tx, _early_key(deployment)) is not None
    if deployment.evidence is None:
        if before or deployment.trouble or deployment.state in ENDED:
            _want(tx, _early_key(deployment), shown, deployment, services)
        return
    if before:
        _want(tx, _early_key(deployment), asked_below(deployment), deployment, services)
    _want(tx, card_key(deployment), shown, deployment, services)


def _want(tx: Connection, key: str, shown: Message, deployment: Deployment, services: Services) -> None:
    messages.want(
        tx,
        key,
        channel=deployment.channel,
        content=shown.content(),
        at=services.clock.now(),
        urgency=messages.PROGRESS if deployment.state in deployments.MOVING else messages.DECISION,
        fallback=deployment.requested_by,
    )


def _successor(tx: Connection, deployment: Deployment) -> Deployment | None:
    """What was shipped in place of a shipped model."""
    if deployment.state not in deployments.ON_DEVICES:
        return None
    there = deployments.incumbent(tx, deployment.target)
    return there if there and there.id != deployment.id else None


def _newer(tx: Connection, deployment: Deployment) -> str:
    """The address of the card of the request that superseded this one; empty where that is not known."""
    newer = deployments.asked_next(tx, deployment) if deployment.state == "superseded" else None
    return (marks.get(tx, card_key(newer)) or "") if newer else ""


def tell(
    tx: Connection,
    deployment: Deployment,
    services: Services,
    key: str,
    message: Message,
    *,
    loud: bool = False,
) -> None:
    """Something that people should notice, below the card; `loud`: in the channel as well."""
    messages.want(
        tx,
        f"{card_key(deployment)}:{key}",
        channel=deployment.channel,
        content={**message.content(), **({"broadcast": True} if loud else {})},
        at=services.clock.now(),
        urgency=messages.DECISION,
        parent_key=card_key(deployment) if deployment.evidence else _early_key(deployment),
        fallback=deployment.requested_by,
    )


def card_key(deployment: Deployment) -> str:
    return f"deploy:{deployment.id}"


def _early_key(deployment: Deployment) -> str:
    return f"{card_key(deployment)}:preparing"

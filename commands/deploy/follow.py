"""Moves every open request one step: collect, ask, remind, expire, ship, watch, roll back.

May run at any time, twice, or after a crash: each step begins by reading the record.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog

from commands.deploy.aloud import reminder
from commands.deploy.command import DEPLOYMENTS, deploy
from commands.deploy.frozen import frozen_for_now
from commands.deploy.prepare import prepare
from commands.deploy.record import approvers, card_key, change, note_trouble, show, tell
from commands.deploy.rings import wait
from commands.deploy.ship import ship
from commands.deploy.standing import changes_in_azure, changes_since_asked, expire, make_stale
from commands.deploy.taking_back import stop, take_back
from commands.deploy.truth import Look, forget_troubles
from commands.kit.command import COURIER
from commands.kit.errors import UserError
from commands.kit.health import DEVOPS
from commands.kit.services import Services
from commands.kit.trying import take_each
from infra.azureml.errors import Unreadable
from storage import deployments, marks, messages
from storage.deployments import Deployment

log = structlog.get_logger("deploy")


@deploy.follow(DEPLOYMENTS, every=lambda policy: policy.pace.runs_seconds, service=DEVOPS, hinted=True)
def follow_deployments(services: Services) -> None:
    with services.store.read() as tx:
        open_now = deployments.in_states(tx, deployments.OPEN)
    look, stopped = Look(services, open_now), []

    def step(deployment: Deployment) -> None:
        if deployment.state != "rolling_back":
            STEPS[deployment.state](deployment, services, look)
        elif stop(deployment, services):
            stopped.append(deployment)

    troubles = take_each(step, open_now, log)
    after = Look(services, stopped)  # which deployments there were before may be too old
    troubles += take_each(lambda deployment: take_back(deployment, services, after), stopped, log)
    if all(each.state == "waiting" for each in open_now):
        forget_troubles(services)
    if open_now:
        services.wake(COURIER)
    told = UserError | Unreadable  # on the card
    of_the_hub = (look.trouble, after.trouble)
    severe = [each for each in troubles if not isinstance(each, told) and each not in of_the_hub]
    if severe:
        raise severe[0]


def _preparing(deployment: Deployment, services: Services, look: Look) -> None:
    if not _settled(deployment, services):
        prepare(deployment, services, look)


def _waiting(deployment: Deployment, services: Services, look: Look) -> None:
    if _settled(deployment, services) or _has_changed(deployment, services, look):
        return
    wait(deployment, frozen_for_now(deployment, services), services)
    _link_what_it_replaced(deployment, services)
    target = services.policy.targets[deployment.target]
    open_for = deployment.expires_at - deployment.requested_at
    before_the_end = timedelta(hours=target.remind_hours)
    due = deployment.expires_at - (before_the_end if before_the_end < open_for else open_for / 2)
    if deployment.reminded_at or services.clock.now() < due:
        return
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "waiting" or now.reminded_at:
            return
        decided = deployments.decisions_on(tx, now.id)
        tell(tx, now, services, "reminder", reminder(now, decided, approvers(target, services)))
        change(tx, now, services, action="deploy.remind", reminded_at=services.clock.now())


def _link_what_it_replaced(deployment: Deployment, services: Services) -> None:
    """Cards of requests that this one superseded lead to its card, once Slack has that."""
    with services.store.read() as tx:
        is_known = marks.get(tx, card_key(deployment)) is not None
        replaced = [] if is_known else deployments.superseded_by(tx, deployment)
        posted = messages.get(tx, card_key(deployment)) if replaced else None
    if posted is None or posted.ts is None:
        return
    if address := services.people.link_to(posted.channel, posted.ts):
        with services.store.write() as tx:
            marks.put(tx, card_key(deployment), address, services.clock.now())
            for each in replaced:
                show(tx, each, services)


def _settled(deployment: Deployment, services: Services) -> bool:
    """Ends a request that has expired or is about something else by now."""
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state not in deployments.UNDECIDED:
            return True
        if services.clock.now() >= now.expires_at:
            expire(tx, now, services)
            return True
        if changed := changes_since_asked(tx, now, services):
            make_stale(tx, now, changed, services)
            return True
    return False


def _has_changed(deployment: Deployment, services: Services, look: Look) -> bool:
    """Asks the registry itself: what Spotter remembers of an older version is not read anew by itself."""
    try:
        changed = changes_in_azure(deployment, services, look)
    except Unreadable as trouble:
        unsure = (
            "So it is not known whether this still is what was asked for; nothing is shipped before it is."
        )
        note_trouble(deployment, f"{trouble} {unsure}", services)
        return False
    if not changed:
        note_trouble(deployment, None, services)
        return False
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == "waiting":
            make_stale(tx, now, changed, services)
    return True


STEPS: dict[str, Callable[[Deployment, Services, Look], None]] = {
    "preparing": _preparing,
    "waiting": _waiting,
    "approved": ship,
    "shipping": ship,
}

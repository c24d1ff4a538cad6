"""Answers the check on the environments of the edge pipeline: is this very run one that the approvers have approved?

So a run that somebody queues by hand gets past nobody, whatever it says about itself, and the channel hears of it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from commands.deploy.aloud import turned_away_aloud
from commands.deploy.authority import objection
from commands.deploy.frozen import freeze
from commands.deploy.record import change
from commands.deploy.rings import past_runs, ring_of, with_ring
from commands.deploy.state_words import standing
from commands.deploy.submit import differing
from commands.deploy.watch import not_proved
from commands.kit.command import COURIER
from commands.kit.errors import UserError
from commands.kit.services import Services
from infra.azureml.errors import Unreadable
from infra.devops.runs import Run
from infra.http.errors import AzureError, NotFound
from storage import audit, deployments, messages
from storage.deployments import Deployment

EXPECTED = ("queueing", "queued")


@dataclass(frozen=True)
class _No:
    """`waits`: the approval stands, and the ring is handed over anew when this is over. `unapproved` is a run for which
    no approval stands, as far as Azure DevOps knows it."""

    reason: str
    waits: bool = False
    unapproved: Run | None = None


def verdict(run_id: int, services: Services) -> tuple[bool, str]:
    """Whether the run may ship, and why not. What cannot be found out means no."""
    try:
        no = _judge(run_id, services)
    except (AzureError, UserError, Unreadable) as trouble:
        no = _No(f"Spotter could not find out: {trouble}")
    reason = no.reason if no else ""
    with services.store.write() as tx:
        audit.record(
            tx,
            at=services.clock.now(),
            actor="azure-devops",
            action="deploy.check",
            subject=f"run:{run_id}",
            approved=no is None,
            reason=reason,
        )
        if no:
            _keep_why(tx, run_id, no, services)
        if no and no.unapproved:
            _tell_once(tx, no.unapproved, reason, services)
    return no is None, reason


def _judge(run_id: int, services: Services) -> _No | None:
    if services.devops is None:
        return _No("Spotter is not connected to Azure DevOps.")
    try:
        run = services.devops.with_parameters(services.devops.run(run_id))
    except NotFound:
        return _No("There is no such run.")
    request, _, ring_name = run.correlation_id.rpartition("-")
    with services.store.read() as tx:
        deployment = deployments.by_request(tx, request)
    against = _no_approval(run, deployment, ring_name, services)
    if against or deployment is None:
        return _No(against, unapproved=run)
    asked_for = datetime.fromisoformat(ring_of(deployment, ring_name)["queued_at"])
    if waits := freeze(deployment, services) or not_proved(deployment, asked_for, services):
        return _No(waits, waits=True)
    if gone := objection(deployment, services):
        return _No(f"The approval is not in force any more: {gone}.")
    if not _is_ours(deployment, ring_name, run, services):
        return _No("Another run ships this ring.", unapproved=run)
    return None


def _no_approval(run: Run, deployment: Deployment | None, ring_name: str, services: Services) -> str:
    """Why this run is none that people have approved, in words; empty where it is."""
    if deployment is None:
        return "Nobody has approved this run in Spotter. Ask with /deploy in Slack."
    if deployment.state != "shipping":
        return f"Its request in Spotter is not to be shipped: it is {standing(deployment)}."
    ring = next((each for each in deployment.rings or [] if each["name"] == ring_name), None)
    if ring is None or ring["state"] not in EXPECTED:
        return "This ring is not to be shipped now."
    if ring.get("run_id") not in (None, run.id) or run.id in past_runs(ring):
        return "Another run ships this ring."
    if other := _differing(run, deployment, ring_name, services):
        return f"This run is not what was approved: {other}."
    return ""


def _keep_why(tx: Connection, run_id: int, no: _No, services: Services) -> None:
    """With the ring that this run is of, for the card to say why it shipped nothing."""
    for shipping in deployments.in_states(tx, ["shipping"]):
        for ring in shipping.rings or []:
            if ring.get("run_id") == run_id and ring["state"] in EXPECTED:
                why = {"refused": no.reason, "put_off": no.waits}
                change(tx, shipping, services, rings=with_ring(shipping, {**ring, **why}).rings)


def _tell_once(tx: Connection, run: Run, reason: str, services: Services) -> None:
    """The target's channel hears of a run that came without the approvers; of Spotter's own runs the card tells."""
    told = run.parameters or {}
    target, key = services.policy.targets.get(told.get("target", "")), f"deploy:turned-away:{run.id}"
    if target is None or _is_spotters(tx, run) or messages.get(tx, key):
        return
    at = services.clock.now()
    content = turned_away_aloud(run, reason).content()
    messages.want(tx, key, channel=target.channel, content=content, at=at, urgency=messages.DECISION)
    audit.record(
        tx,
        at=at,
        actor="azure-devops",
        action="deploy.turned_away",
        subject=f"run:{run.id}",
        by=run.requested_by,
        asked_for=dict(told),
        channel=target.channel,
        reason=reason,
    )
    services.wake(COURIER)


def _is_spotters(tx: Connection, run: Run) -> bool:
    """Whether it is one of a request that is under way. The answer to queueing it may have been lost."""
    for one in deployments.in_states(tx, deployments.UNDER_WAY):
        for ring in one.rings or []:
            if run.id in (ring.get("run_id"), *past_runs(ring)):
                return True
            if run.correlation_id == ring["correlation_id"] and ring.get("queued_at"):
                return ring.get("run_id") is None
    return False


def _differing(run: Run, deployment: Deployment, ring: str, services: Services) -> str:
    found = [*differing(run, deployment, ring)]
    if run.branch != services.policy.pipelines.branch:
        found.append("the branch")
    assert services.devops is not None  # noqa: S101  asked before
    if run.pipeline_id != services.devops.pipeline(services.policy.pipelines.edge).id:
        found.append("the pipeline")
    return ", ".join(found)


def _is_ours(deployment: Deployment, ring_name: str, run: Run, services: Services) -> bool:
    """Whether this is the ring's one run; the first to ask is, where the answer to queueing it was lost."""
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "shipping":
            return False
        ring = ring_of(now, ring_name)
        if ring.get("run_id") not in (None, run.id) or ring["state"] not in EXPECTED:
            return False
        claimed = {**ring, "state": "queued", "run_id": run.id, "url": run.web_url}
        claimed |= {"refused": None, "put_off": False}
        rings = with_ring(now, claimed).rings
        if ring.get("run_id") is None:
            change(tx, now, services, action="deploy.queued", details={"run_id": run.id}, rings=rings)
        elif ring.get("refused"):
            change(tx, now, services, rings=rings)
    return True

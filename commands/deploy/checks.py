"""Answers the check on the environments of the edge pipeline: is this very run one that the approvers have approved?

So a run that somebody queues by hand gets past nobody, whatever it says about itself.
"""

from sqlalchemy import Connection

from commands.deploy.authority import freeze, objection
from commands.deploy.record import change
from commands.deploy.rings import past_runs, ring_of, with_ring
from commands.deploy.state_words import standing
from commands.deploy.submit import differing
from commands.kit.errors import UserError
from commands.kit.services import Services
from infra.azureml.errors import Unreadable
from infra.devops.runs import Run
from infra.http.errors import AzureError, NotFound
from storage import audit, deployments
from storage.deployments import Deployment

EXPECTED = ("queueing", "queued")


def verdict(run_id: int, services: Services) -> tuple[bool, str]:
    """Whether the run may ship, and why not. What cannot be found out means no."""
    try:
        approved, reason = _judge(run_id, services)
    except (AzureError, UserError, Unreadable) as trouble:
        approved, reason = False, f"Spotter could not find out: {trouble}"
    with services.store.write() as tx:
        audit.record(
            tx,
            at=services.clock.now(),
            actor="azure-devops",
            action="deploy.check",
            subject=f"run:{run_id}",
            approved=approved,
            reason=reason,
        )
        if not approved:
            _keep_why(tx, run_id, reason, services)
    return approved, reason


def _judge(run_id: int, services: Services) -> tuple[bool, str]:
    if services.devops is None:
        return False, "Spotter is not connected to Azure DevOps."
    try:
        run = services.devops.with_parameters(services.devops.run(run_id))
    except NotFound:
        return False, "There is no such run."
    request, _, ring_name = run.correlation_id.rpartition("-")
    with services.store.read() as tx:
        deployment = deployments.by_request(tx, request)
    if deployment is None:
        return False, "Nobody has approved this run in Spotter. Ask with /deploy in Slack."
    if deployment.state != "shipping":
        return False, f"Its request in Spotter is not to be shipped: it is {standing(deployment)}."
    ring = next((each for each in deployment.rings or [] if each["name"] == ring_name), None)
    if ring is None or ring["state"] not in EXPECTED:
        return False, "This ring is not to be shipped now."
    if ring.get("run_id") not in (None, run.id) or run.id in past_runs(ring):
        return False, "Another run ships this ring."
    if other := _differing(run, deployment, ring_name, services):
        return False, f"This run is not what was approved: {other}."
    if frozen := freeze(deployment, services):
        return False, frozen
    if against := objection(deployment, services):
        return False, f"The approval is not in force any more: {against}."
    if not _is_ours(deployment, ring_name, run, services):
        return False, "Another run ships this ring."
    return True, ""


def _keep_why(tx: Connection, run_id: int, reason: str, services: Services) -> None:
    """With the ring that this run is of, for the card to say why it shipped nothing."""
    for shipping in deployments.in_states(tx, ["shipping"]):
        for ring in shipping.rings or []:
            if ring.get("run_id") == run_id and ring["state"] in EXPECTED:
                why = {"refused": reason, "put_off": reason == freeze(shipping, services)}
                change(tx, shipping, services, rings=with_ring(shipping, {**ring, **why}).rings)


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

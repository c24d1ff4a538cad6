"""Whether an undecided request still is what people were asked about, and how it ends where it is not."""

from sqlalchemy import Connection

from commands.deploy import evidence
from commands.deploy.record import change
from commands.kit.services import Services
from storage import catalog, deployments
from storage.deployments import Deployment


def changes_since_asked(tx: Connection, deployment: Deployment, services: Services) -> str:
    """What the fingerprint covers and is not as it was shown, in words; empty while all is as it was."""
    if deployment.evidence is None:
        return ""
    target = services.policy.targets.get(deployment.target)
    if target is None:
        return "the target is not in spotter.toml any more"
    model = catalog.get_model(tx, deployment.model_name, deployment.model_version)
    if model is None:
        return "the model version is not in the registry any more"
    digest = deployment.evidence["candidate"]["digest"]
    candidate = evidence.figures(model, digest)
    now = {**deployment.evidence, "candidate": candidate, "rings": list(target.rings)}
    if evidence.fingerprint(deployment.target, now) == deployment.fingerprint:
        return ""
    return f"{' and '.join(evidence.what_changed(deployment.evidence, now))} changed"


def expire(tx: Connection, deployment: Deployment, services: Services) -> None:
    outcome = (
        "Nobody decided in time."
        if not deployments.decisions_on(tx, deployment.id)
        else ("Not enough approvals in time.")
    )
    change(tx, deployment, services, action="deploy.expired", state="expired", outcome=outcome)


def make_stale(tx: Connection, deployment: Deployment, changed: str, services: Services) -> None:
    outcome = f"After it was asked for, {changed}."
    change(tx, deployment, services, action="deploy.stale", state="stale", outcome=outcome)

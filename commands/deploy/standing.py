"""Whether an undecided request still is what people were asked about, and how it ends where it is not."""

from sqlalchemy import Connection

from commands.deploy import evidence, gates
from commands.deploy.prepare import measured_beside
from commands.deploy.record import change
from commands.deploy.truth import Look
from commands.kit.policy import Target
from commands.kit.services import Services
from commands.kit.words import listing
from infra.azureml.models import ModelVersion
from infra.http.errors import NotFound
from storage import catalog, deployments
from storage.catalog import ModelRow
from storage.deployments import Deployment


def changes_since_asked(tx: Connection, deployment: Deployment, services: Services) -> str:
    """What the fingerprint covers and is not as it was shown, in words, as far as Spotter knows; empty while all is."""
    model = catalog.get_model(tx, deployment.model_name, deployment.model_version)
    digest = deployment.evidence["candidate"]["digest"] if deployment.evidence else ""
    return _changes(deployment, model, digest, services) or _measured_anew(tx, deployment)


def changes_in_azure(deployment: Deployment, services: Services, look: Look) -> str:
    """The same, asked of the registry and of the model's files now. Raises AzureError, Unreadable."""
    try:
        model = look.version((deployment.model_name, deployment.model_version))
    except NotFound:
        return _changes(deployment, None, "", services)
    changed = _changes(deployment, model, look.files_digest(model.uri), services)
    with services.store.read() as tx:
        return changed or _measured_anew(tx, deployment)


def files_changed(deployment: Deployment, services: Services) -> str:
    """Whether the model's files are others now than approvers saw, in words. Raises AzureError, Unreadable."""
    try:
        model = services.azure.version(deployment.model_name, deployment.model_version)
    except NotFound:
        return "the model version is not in the registry any more"
    seen = (deployment.evidence or {})["candidate"]["digest"]
    return "" if services.azure.files_digest(model.uri) == seen else "the model's files changed"


def _changes(
    deployment: Deployment, model: ModelRow | ModelVersion | None, digest: str, services: Services
) -> str:
    target = services.policy.targets.get(deployment.target)
    if target is None:
        return "the target is not in spotter.toml any more"
    if target.approvals > deployment.approvals_needed:
        return f"{deployment.target} needs {target.approvals} approvals now"
    if model is None:
        return "the model version is not in the registry any more"
    if deployment.evidence is None:
        return ""
    now = {
        **deployment.evidence,
        "candidate": evidence.figures(model, digest),
        "rings": list(target.rings),
    }
    if evidence.fingerprint(deployment.target, now) != deployment.fingerprint:
        return f"{' and '.join(evidence.what_changed(deployment.evidence, now))} changed"
    return _stricter_gates(deployment.evidence, target)


def _measured_anew(tx: Connection, deployment: Deployment) -> str:
    """Whether the figures on held-out pictures are others now than people were shown."""
    seen, model = deployment.evidence, catalog.get_model(tx, deployment.model_name, deployment.model_version)
    if seen is None or model is None:
        return ""
    there = seen["incumbent"]
    incumbent = catalog.get_model(tx, there["name"], there["version"]) if there else None
    now = measured_beside(tx, model, incumbent) or {}
    before = seen.get("measured") or {}
    same = all(now.get(which) == before.get(which) for which in ("candidate", "incumbent"))
    return "" if same else "what was measured on held-out pictures changed"


def _stricter_gates(seen: evidence.Evidence, target: Target) -> str:
    """The gates of the policy that is in force now, where one is not passed that people were not shown so."""
    judged = [gate.record() for gate in gates.judge(*evidence.shown(seen), target.gates)]
    new = [gate for gate in judged if gate["verdict"] != "passed" and gate not in seen["gates"]]
    told = [f"{gate['name']} has to be {gate['needed']} and is {gate['seen']}" for gate in new]
    return f"the gates changed: {listing(told)}" if told else ""


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

"""Collects what approvers are shown, and then asks them."""

import structlog

from commands.deploy import evidence
from commands.deploy.record import change
from commands.deploy.truth import Look
from commands.kit.policy import Target
from commands.kit.services import Services
from infra.azureml.errors import Unreadable
from infra.http.errors import AzureError
from storage import catalog, deployments
from storage.catalog import ModelRow
from storage.deployments import Deployment

log = structlog.get_logger("deploy")


def prepare(deployment: Deployment, services: Services, look: Look) -> None:
    """One attempt. What is missing is told on the card, and looked for again."""
    target = services.policy.targets[deployment.target]
    try:
        collected, problem = _collect(deployment, target, services, look)
    except Unreadable as trouble:
        collected, problem = None, str(trouble)
    except AzureError:
        _tell(deployment, "Azure is not answering. Spotter tries again by itself.", services)
        raise
    if collected is None:
        _tell(deployment, problem, services)
        return
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "preparing":
            return
        change(
            tx,
            now,
            services,
            action="deploy.ask",
            details={"evidence": collected},
            state="waiting",
            evidence=collected,
            fingerprint=evidence.fingerprint(deployment.target, collected),
            trouble=None,
        )


def _collect(
    deployment: Deployment, target: Target, services: Services, look: Look
) -> tuple[evidence.Evidence | None, str]:
    there = look.incumbent(deployment.target, without=deployment.request_id)
    with services.store.read() as tx:
        model = catalog.get_model(tx, deployment.model_name, deployment.model_version)
        incumbent = catalog.get_model(tx, there.model, int(there.version)) if there else None
    if model is None:
        return None, "The model version is not in the registry any more. Withdraw this request."
    devices: dict[str, list[str]] = {
        ring: [each.id for each in look.survey.in_ring(deployment.target, ring)] for ring in target.rings
    }
    if not devices["all"]:
        return None, f"No device of IoT Hub has the tag target={deployment.target}, so nobody would get it."
    if empty := [ring for ring, ids in devices.items() if not ids]:
        return (
            None,
            f"No device of {deployment.target} has the tag ring={empty[0]}, so nobody would try it first.",
        )
    candidate = _figures(model, services)
    return evidence.collect(
        candidate, _figures(incumbent, services) if incumbent else None, target, devices
    ), ""


def _figures(model: ModelRow, services: Services) -> dict[str, object]:
    return evidence.figures(model, services.azure.files_digest(model.uri or ""))


def _tell(deployment: Deployment, trouble: str, services: Services) -> None:
    if deployment.trouble == trouble:
        return
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == "preparing":
            change(tx, now, services, trouble=trouble)

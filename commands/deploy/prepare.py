"""Collects what approvers are shown, and then asks them."""

from typing import Any

from sqlalchemy import Connection

from commands.deploy import evidence
from commands.deploy.beside import Drawn, beside, draw
from commands.deploy.frozen import frozen_for_now
from commands.deploy.gates import comparable
from commands.deploy.record import change, note_trouble, tell
from commands.deploy.truth import Look
from commands.exports import readiness
from commands.kit.policy import Target
from commands.kit.services import Services
from commands.models.evaluations import EVALUATIONS
from commands.models.measured import (
    disputed,
    evaluations_of,
    figures,
    missing_because,
    together,
    together_in,
    trouble_with,
)
from infra.azureml.errors import Unreadable
from infra.http.errors import AzureError
from infra.iothub.errors import Resting
from infra.training.register import model_tags
from storage import catalog, deployments, evaluations, pictures
from storage.catalog import ModelRow
from storage.deployments import Deployment

PICTURE_FILE = "side-by-side.jpg"


def prepare(deployment: Deployment, services: Services, look: Look) -> None:
    """One attempt. What is missing is told on the card, and looked for again."""
    target = services.policy.targets[deployment.target]
    try:
        collected, problem = _collect(deployment, target, services, look)
    except Unreadable as trouble:
        collected, problem = None, str(trouble)
    except Resting:
        raise
    except AzureError:
        note_trouble(deployment, "Azure is not answering. Spotter tries again by itself.", services)
        raise
    if collected is None:
        note_trouble(deployment, problem, services)
        return
    drawn = _drawn(collected, services)
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "preparing":
            return
        at = services.clock.now()
        kept = [
            {"digest": pictures.put(tx, each.content, PICTURE_FILE, each.words, at), "words": each.words}
            for each in drawn
        ]
        collected = {**collected, "pictures": kept}
        asked = change(
            tx,
            now,
            services,
            action="deploy.ask",
            details={"evidence": collected},
            state="waiting",
            evidence=collected,
            fingerprint=evidence.fingerprint(deployment.target, collected),
            waiting=frozen_for_now(now, services),
            trouble=None,
        )
        if below := beside(collected):
            tell(tx, asked, services, "beside", below)


def _collect(
    deployment: Deployment, target: Target, services: Services, look: Look
) -> tuple[evidence.Evidence | None, str]:
    there = look.incumbent(deployment.target, without=deployment.request_id)
    number = catalog.number_of(there.version) if there else None
    if there and number is None:
        return None, f"The deployment {there.id} in IoT Hub, which is there now, names no version of a model."
    with services.store.read() as tx:
        model = catalog.get_model(tx, deployment.model_name, deployment.model_version)
        incumbent = catalog.get_model(tx, there.model, number) if there and number is not None else None
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
    with services.store.write() as tx:
        waiting = _still_measured(tx, model, services)
        measured = measured_beside(tx, model, incumbent)
        dataset = _dataset(tx, model, incumbent)
    if waiting:
        return None, waiting
    candidate, there_now = _figures(model, services), _figures(incumbent, services) if incumbent else None
    if there and number is not None and there_now is None:
        there_now = evidence.unregistered(there.model, number)
    return evidence.collect(candidate, there_now, target, devices, measured, dataset), ""


def _still_measured(tx: Connection, model: ModelRow, services: Services) -> str:
    """What is still to come from the training; empty where nothing is. Asks for what nobody asked for yet."""
    if model.run_id is None:
        return ""
    evaluations.want(tx, model.name, model.version, model.run_id, services.clock.now())
    row = evaluations.get(tx, model.name, model.version)
    if row is None or row.read_at:
        return ""
    services.wake(EVALUATIONS)
    return (
        f"v{model.version} is still being measured beside the models it may replace. "
        "The question to the approvers follows by itself."
    )


def measured_beside(tx: Connection, model: ModelRow, incumbent: ModelRow | None) -> dict[str, Any] | None:
    """Both on the same held-out pictures, or each on its own; `missing` says why not on the same."""
    known = evaluations_of(tx, (model, incumbent) if incumbent else (model,))
    own = known.get((model.name, model.version))
    if incumbent is None:
        ours = figures(own, model)
        return {"candidate": ours} if ours else None
    if both := together_in(known, model, incumbent):
        return {"candidate": figures(both, model), "incumbent": figures(both, incumbent)}
    found = {
        "candidate": figures(own, model),
        "incumbent": figures(known.get((incumbent.name, incumbent.version)), incumbent),
        "missing": trouble_with(own, incumbent) or missing_because(tx, model),
    }
    return found if any(found.values()) else None


def _dataset(tx: Connection, model: ModelRow, incumbent: ModelRow | None) -> dict[str, Any] | None:
    """What was counted in the candidate's export, and how it has grown since the incumbent's, or the one before."""
    export = catalog.get_export(tx, model.tags.get(model_tags.DATASET, ""))
    counted = readiness.counted(export) if export else None
    if export is None or counted is None:
        return None
    older = catalog.get_export(tx, incumbent.tags.get(model_tags.DATASET, "")) if incumbent else None
    earlier = older if older and older.name != export.name else readiness.before(tx, export)
    before = readiness.counted(earlier) if earlier else None
    known = {**dict.fromkeys(before.boxes, 0), **counted.boxes} if before else {}
    return {
        "name": export.name,
        "images": counted.images,
        "boxes": counted.boxes,
        "since": earlier.name if earlier and before else None,
        "more_images": counted.images - before.images if before else 0,
        "more_boxes": {label: boxes - before.boxes.get(label, 0) for label, boxes in known.items()}
        if before
        else {},
    }


def _drawn(collected: evidence.Evidence, services: Services) -> list[Drawn]:
    """The pictures on which candidate and incumbent disagree; none where they were not measured together."""
    candidate, incumbent = evidence.shown(collected)
    if incumbent is None or not comparable(candidate, incumbent):
        return []
    with services.store.read() as tx:
        model = catalog.get_model(tx, candidate["name"], candidate["version"])
        there = catalog.get_model(tx, incumbent["name"], incumbent["version"])
        both = together(tx, model, there) if model and there else None
    if model is None or there is None or both is None:
        return []
    return draw(disputed(both, model, there), collected, services)


def _figures(model: ModelRow, services: Services) -> dict[str, object]:
    return evidence.figures(model, services.azure.files_digest(model.uri or ""))

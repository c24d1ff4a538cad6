"""Reads what trainings measured of their models, once each, and adds it to the announcement."""

from datetime import timedelta

from commands.kit.command import COURIER
from commands.kit.services import Services
from commands.models.command import models
from commands.models.follow import announce
from commands.models.held_out import strip_of
from infra.azureml.evaluations import Evaluation, NotMeasured
from storage import catalog, evaluations
from storage.evaluations import EvaluationRow

EVALUATIONS = "evaluations"
AT_ONCE = 20
PATIENCE = timedelta(hours=6)


@models.follow(EVALUATIONS, every=lambda policy: policy.pace.runs_seconds)
def follow_evaluations(services: Services) -> None:
    with services.store.read() as tx:
        waiting = evaluations.wanted(tx, AT_ONCE)
    for row in waiting:
        try:
            found = services.azure.evaluation(row.run_id)
        except NotMeasured as reason:
            _end(row, services, missing=str(reason))
            continue
        if found:
            _end(row, services, found)
        elif services.clock.now() - row.wanted_at > PATIENCE:
            _end(row, services, missing="The comparison with other models did not end in time.")


def _end(row: EvaluationRow, services: Services, found: Evaluation | None = None, missing: str = "") -> None:
    if found and not found.models:
        missing, found = found.trouble or "No model was measured.", None
    with services.store.read() as tx:
        told = catalog.get_model(tx, row.name, row.version)
    strip = strip_of(found, told, services) if found and told and told.announced else None
    with services.store.write() as tx:
        document, figures = (found.model_dump(mode="json"), found.figures()) if found else (None, None)
        evaluations.put(tx, row, services.clock.now(), found=document, figures=figures, missing=missing)
        model = catalog.get_model(tx, row.name, row.version)
        if found and model and model.announced:
            announce(tx, model, services, strip)
    services.wake(COURIER)
    services.wake("deployments")

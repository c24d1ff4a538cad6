"""Model versions beside each other on held-out pictures, from what the evaluate steps of their trainings found."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from infra.azureml.evaluations import Disputed, Evaluation, Measured
from storage import evaluations
from storage.catalog import ModelRow

Figures = dict[str, Any]
Evaluations = Mapping[tuple[str, int], Evaluation]


def evaluation_of(tx: Connection, model: ModelRow) -> Evaluation | None:
    """What this version's own training measured; None where it is not there (yet)."""
    row = evaluations.get(tx, model.name, model.version)
    return Evaluation.model_validate(row.found) if row and row.found else None


def evaluations_of(tx: Connection, models: Collection[ModelRow]) -> Evaluations:
    """The same of several versions, without curves and pictures; by name and version, as far as it is there."""
    known = evaluations.figures_of(tx, {(model.name, model.version) for model in models})
    return {key: Evaluation.model_validate_json(told) for key, told in known.items()}


def missing_because(tx: Connection, model: ModelRow) -> str:
    """Why a version has no evaluation, in a sentence; empty where it has one, or none was expected."""
    row = evaluations.get(tx, model.name, model.version)
    return (row.missing or "") if row else ""


def figures(found: Evaluation | None, model: ModelRow) -> Figures | None:
    """One version's figures in an evaluation, and over which pictures; None where it was not measured there."""
    measured = _entry(found, model)
    if found is None or found.set is None or measured is None or measured.trouble:
        return None
    return {
        "mean_average_precision": measured.mean_average_precision,
        "precision": measured.precision,
        "recall": measured.recall,
        "classes": {
            label: each.model_dump(exclude={"points"}) for label, each in sorted(measured.classes.items())
        },
        "held_out": measured.held_out,
        "dataset": found.dataset,
        "pictures": found.set.pictures,
        "evaluated_on": found.set.digest,
    }


def together(tx: Connection, one: ModelRow, other: ModelRow) -> Evaluation | None:
    """An evaluation in which both were measured: that of either one's training."""
    found = {(model.name, model.version): evaluation_of(tx, model) for model in (one, other)}
    return together_in({key: each for key, each in found.items() if each}, one, other)


def together_in(known: Evaluations, one: ModelRow, other: ModelRow) -> Evaluation | None:
    """The same, where the evaluations of both are known."""
    for model in (one, other):
        found = known.get((model.name, model.version))
        if figures(found, one) and figures(found, other):
            return found
    return None


def disputed(found: Evaluation, one: ModelRow, other: ModelRow) -> list[Disputed]:
    """The pictures that two versions see differently, those that differ most first."""
    names = {_name(one), _name(other)}
    known = [picture for picture in found.pictures if names <= set(picture.answers)]
    pair = [picture for picture in known if names & set(picture.disagreement)]
    return sorted(
        pair,
        key=lambda picture: -max(picture.disagreement[name] for name in names & set(picture.disagreement)),
    )


def trouble_with(found: Evaluation | None, model: ModelRow) -> str:
    """Why a version could not be measured in an evaluation that was to measure it; empty where that is not so."""
    measured = _entry(found, model)
    return measured.trouble if measured else ""


def worst_class(measured: Figures) -> tuple[str, Figures] | None:
    """The class with the lowest average precision, where there are several."""
    classes: dict[str, Figures] = measured["classes"]
    if len(classes) < 2:
        return None
    return min(classes.items(), key=lambda each: float(each[1]["average_precision"]))


def _entry(found: Evaluation | None, model: ModelRow) -> Measured | None:
    for measured in found.models if found else ():
        if (measured.name, measured.version) == (model.name, model.version):
            return measured
    return None


def _name(model: ModelRow) -> str:
    return f"{model.name}:{model.version}"

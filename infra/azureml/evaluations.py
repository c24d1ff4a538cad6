"""What the pipeline's last step measured: the new model and those it may replace, on the same held-out pictures.

The document is written by code that ran models of anybody's, so nothing in it is taken on trust.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from infra.azureml import runs
from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound, Throttled, Unavailable, Unreadable
from infra.azureml.jobs import TERMINAL
from infra.azureml.storage import Storage

STEP = "evaluate"
LARGEST = 4 * 1024 * 1024
_ARTIFACT = (
    "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{run}/outputs/evaluation.json"
)

Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=0, le=10_000_000)]
Name = Annotated[str, Field(max_length=255)]
Words = Annotated[str, Field(max_length=1000)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Box(_Told):
    """Corners are left, top, right, bottom in fractions of the picture; a true box has score 1."""

    label: Name
    corners: tuple[Share, Share, Share, Share]
    score: Share = 1.0


class ClassFigures(_Told):
    """`points` are score, precision and recall in falling order of score."""

    average_precision: Share
    precision: Share
    recall: Share
    boxes: Number
    points: Annotated[tuple[tuple[float, Share, Share], ...], Field(max_length=100)] = ()


class Measured(_Told):
    """One model; without figures where `trouble` says why. `held_out` is whether it is known to have learned from none
    of the pictures."""

    name: Name
    version: Number
    held_out: bool
    trouble: Words = ""
    mean_average_precision: Share | None = None
    precision: Share | None = None
    recall: Share | None = None
    classes: Annotated[Mapping[Name, ClassFigures], Field(max_length=500)] = {}

    @model_validator(mode="after")
    def _is_whole(self) -> "Measured":
        if not self.trouble and None in (self.mean_average_precision, self.precision, self.recall):
            raise ValueError("figures are missing")
        return self


class PictureSet(_Told):
    """The held-out pictures; the same digest means the same pictures with the same boxes."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    pictures: Number
    boxes: Number
    left_out: Number = 0


class Disputed(_Told):
    """A picture that models see differently: its true boxes, and by "name:version" what each model is sure of."""

    name: Annotated[str, Field(max_length=2000)]
    address: Annotated[str, Field(max_length=4000)]
    truth: Annotated[tuple[Box, ...], Field(max_length=100)]
    answers: Annotated[Mapping[Name, Annotated[tuple[Box, ...], Field(max_length=100)]], Field(max_length=10)]
    disagreement: Annotated[Mapping[Name, Number], Field(max_length=10)] = {}


class Evaluation(_Told):
    """`models` has the version that was trained first; none, and no set, where `trouble` says why."""

    dataset: Annotated[str, Field(max_length=600)]
    trouble: Words = ""
    set: PictureSet | None = None
    models: Annotated[tuple[Measured, ...], Field(max_length=10)] = ()
    pictures: Annotated[tuple[Disputed, ...], Field(max_length=50)] = ()

    def figures(self) -> dict[str, Any]:
        """The document without curves and pictures, which are most of it."""
        curves = {"__all__": {"classes": {"__all__": {"points"}}}}
        return self.model_dump(mode="json", exclude={"pictures": True, "models": curves})


class NotMeasured(Exception):
    """There is no evaluation and there will be none; the message says why, in a sentence."""


def read(connection: Connection, storage: Storage, job_name: str) -> Evaluation | None:
    """What the evaluate step of a training found; None while it has not ended.

    Raises NotMeasured, and AzureError where that is to be tried again.
    """
    try:
        steps = runs.steps(connection, job_name)
    except NotFound:
        raise NotMeasured("Azure does not know the training any more.") from None
    step = next((run for run in steps if run.name == STEP), None)
    if step is None:
        raise NotMeasured("It was trained by a pipeline that does not compare models.")
    if step.status not in TERMINAL:
        return None
    if step.status != "Completed":
        raise NotMeasured(f"The comparison with other models was {step.status.lower()}.")
    try:
        content = storage.read(storage.locate(_ARTIFACT.format(run=step.id)), at_most=LARGEST)
        return Evaluation.model_validate_json(content)
    except Unreadable as fault:
        if isinstance(fault.__cause__, Unavailable | Throttled):
            raise fault.__cause__ from fault
        raise NotMeasured(f"The comparison with other models cannot be read: {fault.reason}") from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NotMeasured(
            f"The comparison with other models is not understood: {where}: {first['msg']}"
        ) from fault

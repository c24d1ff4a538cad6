"""What is searched when a model is trained; every value can be set in the `[training]` table of `spotter.toml`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# AutoML for Images' own limits; a week is its default, sixty days the most.
WEEK_OF_MINUTES = 7 * 24 * 60
SIXTY_DAYS_OF_MINUTES = 60 * 24 * 60

Value = bool | int | float | str
Bounds = tuple[float, float]


class Uniform(BaseModel):
    """Any number between two: `learning_rate = { uniform = [0.0001, 0.01] }`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    uniform: Bounds

    @field_validator("uniform")
    @classmethod
    def _ordered(cls, bounds: Bounds) -> Bounds:
        if not bounds[0] < bounds[1]:
            raise ValueError("the first bound must be below the second")
        return bounds


# A list is a choice of one of its values; a single value is always taken.
Range = Uniform | Sequence[Value] | Value


class EarlyTermination(BaseModel):
    """Bandit: a trial ends when its metric falls below the best divided by 1 + `slack_factor`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    evaluation_interval: Annotated[int, Field(ge=1)] = 2
    slack_factor: Annotated[float, Field(gt=0)] = 0.2
    delay_evaluation: Annotated[int, Field(ge=0)] = 6


class TrainingDefinition(BaseModel):
    """The training pipeline's content. The defaults search small and medium yolov5 models.

    `submit_as` tells how a training refers to it: by the published component's id, or with the whole graph, for a
    workspace that refuses AutoML inside a component.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    component: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,200}$")] = "spotter_training"
    search_space: Annotated[Sequence[Mapping[str, Range]], Field(min_length=1)] = (
        {
            "model_name": ("yolov5",),
            "model_size": ("small", "medium"),
            "learning_rate": Uniform(uniform=(0.0001, 0.01)),
        },
    )
    submit_as: Literal["component", "inline"] = "component"
    sampling: Literal["random", "grid", "bayesian"] = "random"
    max_trials: Annotated[int, Field(ge=1, le=1000)] = 10
    max_concurrent_trials: Annotated[int, Field(ge=1, le=100)] = 5
    timeout_minutes: Annotated[int, Field(ge=1, le=SIXTY_DAYS_OF_MINUTES)] = WEEK_OF_MINUTES
    early_termination: EarlyTermination | None = EarlyTermination()
    training_parameters: Mapping[str, Value] = {"image_size": 512}
    target_column: Annotated[str, Field(min_length=1)] = "label"
    framework: Annotated[str, Field(min_length=1, max_length=200)] = "Azure ML - AutoML for Images (Yolov5)"
    register_environment: Annotated[str, Field(pattern=r"^azureml:")] = (
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
    )
    evaluate_environment: Annotated[str, Field(pattern=r"^azureml:")] = (
        "azureml://registries/azureml/environments/ai-ml-automl-dnn-vision-gpu/labels/latest"
    )

    @model_validator(mode="after")
    def _searchable(self) -> "TrainingDefinition":
        if not all(self.search_space):
            raise ValueError("each entry of search_space needs at least one parameter")
        if self.max_concurrent_trials > self.max_trials:
            raise ValueError("max_concurrent_trials must not be above max_trials")
        return self

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from infra.training.component import register_command, train_step
from infra.training.definition import TrainingDefinition


def defined(toml: str) -> TrainingDefinition:
    return TrainingDefinition.model_validate(tomllib.loads(toml))


def test_the_defaults_search_small_and_medium_yolov5() -> None:
    step = train_step(TrainingDefinition())
    assert step["search_space"] == [
        {
            "model_name": "choice('yolov5')",
            "model_size": "choice('small','medium')",
            "learning_rate": "uniform(0.0001,0.01)",
        }
    ]
    assert step["training_parameters"] == {"image_size": 512}
    assert step["limits"] == {"max_trials": 10, "max_concurrent_trials": 5, "timeout_minutes": 10080}


def test_everything_can_be_set_in_toml() -> None:
    definition = defined(
        """
        component = "line_training"
        sampling = "grid"
        max_trials = 4
        max_concurrent_trials = 2
        timeout_minutes = 90
        training_parameters = { number_of_epochs = 10, early_stopping = false }
        framework = "It's ours"
        register_environment = "azureml:tools:3"

        [early_termination]
        delay_evaluation = 3

        [[search_space]]
        model_name = "yolov5"
        image_size = [512, 640]
        learning_rate = { uniform = [0.00001, 0.5] }
        """
    )
    step = train_step(definition)
    assert step["search_space"] == [
        {
            "model_name": "choice('yolov5')",
            "image_size": "choice(512,640)",
            "learning_rate": "uniform(1e-05,0.5)",
        }
    ]
    assert step["sweep"]["early_termination"]["delay_evaluation"] == 3
    assert step["training_parameters"] == {"number_of_epochs": 10, "early_stopping": False}
    assert register_command(definition).endswith("""--framework 'It'"'"'s ours'""")


@pytest.mark.parametrize(
    "toml",
    [
        "max_trials = 0",
        "max_trials = 4",
        "component = 'Line-Training'",
        "search_space = []",
        "search_space = [{}]",
        "search_space = [{ lr = { uniform = [0.5, 0.1] } }]",
        "search_space = [{ lr = { normal = [0.1, 0.5] } }]",
        "unknown = 1",
    ],
)
def test_what_azure_would_refuse_is_refused_here(toml: str) -> None:
    with pytest.raises(ValidationError):
        defined(toml)


def test_no_early_termination() -> None:
    without: dict[str, Any] = train_step(TrainingDefinition(early_termination=None))["sweep"]
    assert without == {"sampling_algorithm": "random"}

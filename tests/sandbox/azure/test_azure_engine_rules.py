"""What the engine decides without running anything: samples, early stopping, refusals."""

import pytest

from sandbox.azure.engine.automl_spec import SpecError, node_of_job, read_spec
from sandbox.azure.engine.bandit import Bandit
from sandbox.azure.engine.sampling import SearchSpaceError, grid_samples, parse, random_samples
from tests.sandbox.azure.conftest import train_node

SPACE = {"size": "choice('small','medium')", "rate": "uniform(0.001,0.1)", "epochs": 10}


def test_samples_lie_in_the_search_space_and_repeat_with_the_seed() -> None:
    samples = random_samples([SPACE], 50, "job/train")
    assert {sample["size"] for sample in samples} == {"small", "medium"}
    assert all(0.001 <= sample["rate"] <= 0.1 and sample["epochs"] == 10 for sample in samples)
    assert samples == random_samples([SPACE], 50, "job/train")
    assert samples != random_samples([SPACE], 50, "other/train")


def test_each_sample_comes_from_one_of_several_spaces() -> None:
    samples = random_samples(
        [{"model": "choice('a')", "depth": "choice(1,2)"}, {"model": "choice('b')"}], 40, "s"
    )
    assert {sample["model"] for sample in samples} == {"a", "b"}
    assert all(("depth" in sample) == (sample["model"] == "a") for sample in samples)


def test_a_grid_takes_all_combinations_of_choices_only() -> None:
    assert grid_samples([{"a": "choice(1,2)", "b": "choice('x','y')"}], 3) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
    ]
    with pytest.raises(SearchSpaceError, match="choice"):
        grid_samples([{"a": "uniform(0,1)"}], 3)


@pytest.mark.parametrize("wrong", ["pick(1,2)", "uniform(1)", "uniform('a','b')", "choice(__import__('os'))"])
def test_malformed_expressions_are_refused(wrong: str) -> None:
    with pytest.raises(SearchSpaceError):
        parse(wrong)


def test_bandit_compares_trials_at_the_same_interval_after_the_delay() -> None:
    bandit = Bandit(evaluation_interval=2, delay_evaluation=4, slack_factor=0.2)
    assert not any(bandit.stops("good", value) for value in (0.2, 0.4, 0.6, 0.8, 0.9, 0.9))
    assert [bandit.stops("bad", value) for value in (0.1, 0.1, 0.1)] == [False, False, False]
    assert bandit.stops("bad", 0.66)
    assert [bandit.stops("fair", value) for value in (0.1, 0.1, 0.67, 0.5)] == [False] * 4
    assert not bandit.stops("fair", 0.1), "only every second interval is looked at"
    assert bandit.stops("fair", 0.1)


def test_without_a_policy_nothing_is_stopped() -> None:
    assert Bandit.of(None) is None
    assert Bandit.of({"type": "median_stopping"}) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"task": "regression"}, "regression"),
        ({"primary_metric": "accuracy"}, "accuracy"),
        ({"training_data": None}, "training_data"),
        ({"target_column_name": ""}, "target_column_name"),
        ({"limits": {"max_trials": 0}}, "max_trials"),
        ({"search_space": [{}]}, "at least one parameter"),
        ({"search_space": [{"a": "uniform(1)"}]}, "search_space.a"),
        ({"sweep": {"sampling_algorithm": "bayesian"}}, "bayesian"),
    ],
)
def test_nodes_that_automl_would_refuse(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        read_spec(train_node(**changes))


def test_a_standalone_job_reads_as_the_node_it_is() -> None:
    job = {
        "computeId": "/computes/gpu-cluster",
        "taskDetails": {
            "taskType": "ImageObjectDetection",
            "primaryMetric": "MeanAveragePrecision",
            "targetColumnName": "label",
            "trainingData": {"uri": "/data/train/versions/1", "jobInputType": "mltable"},
            "limitSettings": {"maxConcurrentTrials": 9, "maxTrials": 4, "timeout": "PT1H30M"},
            "sweepSettings": {
                "samplingAlgorithm": "random",
                "earlyTermination": {"policyType": "Bandit", "slackFactor": 0.2, "delayEvaluation": 6},
            },
            "searchSpace": [{"modelName": "choice('yolov5')", "learningRate": "uniform(0.0001,0.01)"}],
            "modelSettings": {"numberOfEpochs": 3},
        },
    }
    spec = read_spec(node_of_job(job))
    assert (spec.max_trials, spec.max_concurrent_trials, spec.timeout_minutes) == (4, 4, 90)
    assert spec.search_space == ({"model_name": "choice('yolov5')", "learning_rate": "uniform(0.0001,0.01)"},)
    assert spec.training_parameters == {"number_of_epochs": 3}
    assert Bandit.of(spec.early_termination) == Bandit(1, 6, 0.2, 0.0)

"""What one look at open trainings asks of Azure, by how many are open, and which of them it looks into."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from commands.kit.services import Services
from commands.train.follow import follow_runs
from commands.train.look import WALKED
from infra.azureml.together import READ
from infra.azureml.workspace import Workspace
from storage import runs
from storage.runs import TrainingRun
from tests.infra.answers import HISTORY, MLFLOW, WORKSPACE, Answers

CLUSTER = {"name": "gpu", "properties": {"computeType": "AmlCompute", "properties": {}}}
PAGES_WALKED = 2


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    with Answers(tmp_path).serving() as answers:
        for name, entry in answers.environment().items():
            monkeypatch.setenv(name, entry)
        answers.says("GET", "./computes/gpu", CLUSTER)
        yield answers


@pytest.mark.parametrize("number", [1, 25])
def test_a_look_at_trainings_at_work_asks_as_much_for_many_as_for_one(
    number: int, azure: Answers, services: Services
) -> None:
    services, names = _asked_for(number, services)
    trials = [f"{name}-train_{trial}" for name in names for trial in range(3)]
    _say_that_they_train(azure, names, trials)
    _say_what_they_measured(azure, trials, epoch=1)
    for _ in range(-(-len(trials) // READ)):
        histories = _asked(azure, services).count("get-history")
        assert histories <= 3 * READ, "of each trial once, some in a look"
    shared = ["jobs", "runs:query", "search"]
    assert _asked(azure, services) == shared

    _say_what_they_measured(azure, trials, epoch=2)
    assert _asked(azure, services) == shared
    assert all(
        (trial["epoch"], trial["epochs"], trial["recall"]) == (2, 2, 0.2)
        for run in _open(services)
        for trial in (run.progress or {})["trials"]
    ), "the next epoch costs nothing more"

    _say_what_they_measured(azure, trials, epoch=4)
    missed = _asked(azure, services)
    assert 0 < missed.count("get-history") <= 3 * READ, "an epoch that nobody saw is read"

    azure.says("POST", f"{MLFLOW}/runs/search", {}, status=400)
    blind = _asked(azure, services)
    assert 0 < blind.count("get-history") <= 3 * READ

    _say_that_they_train(azure, names, trials, status="Completed")
    last = [_asked(azure, services).count("get-history") for _ in range(-(-len(trials) // READ))]
    assert len(trials) <= sum(last) <= 3 * len(trials), "whatever nobody saw is read at the end, once"
    assert _asked(azure, services) == ["jobs", "runs:query"]


def test_trials_that_ended_without_figures_keep_no_others_waiting(azure: Answers, services: Services) -> None:
    services, names = _asked_for(2, services)
    silent = [f"run-00-train_{trial}" for trial in range(READ)]
    azure.says("GET", f"{MLFLOW}/metrics/get-history", {"metrics": []})
    azure.says("POST", f"{MLFLOW}/runs/search", {"runs": []})
    at_work = "run-01-train_0"
    _say_that_they_train(azure, names, [*silent, at_work], status={at_work: "NotStarted"})
    assert _asked(azure, services).count("get-history") == READ
    _say_that_they_train(azure, names, [*silent, at_work], status={at_work: "Running"})
    _say_what_they_measured(azure, [at_work], epoch=1)
    follow_runs(services)
    assert f"run_id={at_work}" in " ".join(azure.asked("GET", "get-history"))


@pytest.mark.parametrize("number", [1, 40])
def test_where_nothing_is_told_together_a_look_walks_where_something_changed(
    number: int, azure: Answers, services: Services
) -> None:
    services, names = _asked_for(number, services)
    says = _say(azure, names)
    says("Queued")
    for _ in range(PAGES_WALKED):
        follow_runs(services)
    assert all(run.progress and run.waiting for run in _open(services))
    asked = _asked(azure, services)
    shared = ["jobs", "runs:query", "batchrundata", "gpu", "listNodes"]
    assert [path for path in asked if not path.endswith("/children")] == shared
    assert len(asked) == len(shared) + 1, "and the steps of one, in turn"

    says("Running", of=names[-1])
    walked = {path for path in _asked(azure, services) if path.endswith("/children")}
    assert f"{names[-1]}/children" in walked
    assert len(walked) <= 2
    assert _open(services)[-1].progress["steps"][0]["status"] == "Running"  # type: ignore[index]  # it was walked


def test_of_many_that_train_some_are_read_in_a_look_and_all_in_turn(
    azure: Answers, services: Services
) -> None:
    services, names = _asked_for(WALKED + 10, services)
    _say(azure, names)("Running", kind="automl")
    trials = [{"runId": f"{name}_0", "status": "Running"} for name in names]
    for name, trial in zip(names, trials, strict=True):
        azure.says("GET", f"{HISTORY}/runs/{name}-split/children", {"value": [trial]})
    azure.says("GET", f"{MLFLOW}/metrics/get-history", {"metrics": []})
    for _ in range(PAGES_WALKED):
        follow_runs(services)
    turns = []
    for _ in range(PAGES_WALKED):
        asked = _asked(azure, services)
        assert asked.count("get-history") == WALKED
        turns += [path.partition("/")[0] for path in asked if path.endswith("/children")]
    assert set(names) <= set(turns)


def _say_that_they_train(
    azure: Answers, names: list[str], trials: list[str], status: str | dict[str, str] = "Running"
) -> None:
    """`status` is that of all trials, or of those that have not completed."""
    jobs = [
        {"name": name, "properties": {"status": "Running", "tags": {"spotter_request": name}}}
        for name in names
    ]
    azure.says("GET", "./jobs", {"value": jobs})
    roots = [{"runId": name, "status": "Running", "runType": "azureml.PipelineRun"} for name in names]
    steps = [
        {"runId": f"{name}-train", "parentRunId": name, "runType": "automl", "status": "Running"}
        for name in names
    ]
    below = [
        {
            "runId": trial,
            "parentRunId": trial.rpartition("_")[0],
            "status": status if isinstance(status, str) else status.get(trial, "Completed"),
            "experimentId": "e",
        }
        for trial in trials
    ]
    found = {"value": roots + steps + below}
    azure.says("POST", f"{HISTORY}/experiments/spotter/runs:query", found)


def _say_what_they_measured(azure: Answers, trials: list[str], *, epoch: int) -> None:
    """Each epoch is better than the one before."""
    epochs = range(1, epoch + 1)
    points = [{"value": each / 10, "step": each, "timestamp": each * 1000} for each in epochs]
    azure.says("GET", f"{MLFLOW}/metrics/get-history", {"metrics": points})
    told = [{**points[-1], "key": metric} for metric in ("mean_average_precision", "precision", "recall")]
    found = [{"info": {"run_id": trial}, "data": {"metrics": told}} for trial in trials]
    azure.says("POST", f"{MLFLOW}/runs/search", {"runs": found})


def _say(azure: Answers, names: list[str]) -> Callable[..., None]:
    """Every job has one step, whose status is told; only that of one where `of` names it."""

    def says(status: str, of: str = "", kind: str = "") -> None:
        steps = {
            name: {
                "runId": f"{name}-split",
                "displayName": "split",
                "runType": kind,
                "status": "Queued" if of not in ("", name) else status,
            }
            for name in names
        }
        told = {name: {"runMetadata": step} for name, step in steps.items()}
        azure.says("POST", f"{HISTORY}/batchrundata", {"successfulResults": told})
        for name, step in steps.items():
            azure.says("GET", f"{HISTORY}/runs/{name}/children", {"value": [step]})

    jobs = [
        {"name": name, "properties": {"status": "Running", "tags": {"spotter_request": name}}}
        for name in names
    ]
    azure.says("GET", "./jobs", {"value": jobs})
    return says


def _asked(azure: Answers, services: Services) -> list[str]:
    """In one look."""
    before = len(azure.asked())
    follow_runs(services)
    paths = [path.partition("?")[0] for path in azure.asked()[before:]]
    return [path.rpartition("/runs/")[2] if "/runs/" in path else path.rpartition("/")[2] for path in paths]


def _asked_for(number: int, services: Services) -> tuple[Services, list[str]]:
    """So many trainings, in Azure; with the client that asks there."""
    names = [f"run-{each:02}" for each in range(number)]
    with services.store.write() as tx:
        for name in names:
            runs.add(tx, _queued(name, services))
    return replace(services, azure=Workspace.connect(WORKSPACE)), names


def _queued(name: str, services: Services) -> TrainingRun:
    about = ("Model", "caps", "1", "gpu", "spotter", "UTRAINER", "trainer", "C0LINEVIS1")
    return TrainingRun(name, name, "queued", *about, services.clock.now())


def _open(services: Services) -> list[TrainingRun]:
    with services.store.read() as tx:
        return sorted(runs.open_runs(tx), key=lambda run: run.id)

"""What happens in Azure and at the plant of a large user while nobody types: jobs run and end, models are registered,
devices report. Done by hand on the twins, whose answers are their own.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from infra.azureml.jobs import EXPORT_TAG, MODEL_TAG
from infra.training.register import model_tags
from sandbox.azure.assets import Version
from sandbox.azure.engine.graph import Graph
from sandbox.azure.runs import Run, run_error
from sandbox.azure.storage import ARTIFACT_STORE
from sandbox.line.exports import DATASTORE
from sandbox.world import World

Result = TypeVar("Result")
TRIALS, EPOCHS = 3, 4
FAILS = 10  # one in so many
AT_WORK, LASTS = 2, 5  # moments until a training is at work, and that it takes
METRICS = ("mean_average_precision", "precision", "recall")
CLASSES = ("cap_on", "cap_missing", "cap_askew")
SEEN = 3  # pictures on which a new version errs


@dataclass
class Job:
    root: Run
    graph: Graph
    number: int
    age: int = 0
    steps: dict[str, Run] = field(default_factory=dict)
    trials: list[Run] = field(default_factory=list)

    @property
    def model(self) -> str:
        return self.root.tags[MODEL_TAG]


class LargePlant:
    """`world` has started. From now on its jobs go on by `works` alone."""

    def __init__(self, world: World) -> None:
        self._azure = world.azure
        self._workspace = world.azure.workspace
        self._hub = world.edge.hub
        self._open: list[Job] = []
        self._numbers = count(1)
        self._random = random.Random(7)  # noqa: S311  figures, no secrets
        self._engine = world.azure._engine
        self._engine.submit_pipeline = self._take  # type: ignore[method-assign]  # no process is started for it
        folder = self._workspace.storage.stores[DATASTORE].folder
        self._pictures = sorted(str(each.relative_to(folder)) for each in folder.rglob("*.jpg"))[:40]

    def adds_devices(self, number: int, targets: list[str]) -> None:
        """Edge devices that run nothing yet."""

        def work() -> None:
            for each in range(number):
                tags = {"target": targets[each % len(targets)], "ring": "canary" if each % 20 == 0 else ""}
                device = self._hub.add_device(f"camera-{each}", tags)
                for module in device.everything():
                    module.connected = True
            self._hub.look()

        self._do(work)

    def works(self, at: datetime) -> int:
        """A moment passes; how many trainings are under way then."""
        return self._do(lambda: self._goes_on(at))

    def begins(self, at: datetime) -> None:
        """All that wait are at work from now on, each with its trials."""

        def work() -> None:
            for job in self._open:
                while job.age < AT_WORK:
                    self._ages(job, at)

        self._do(work)

    def measures(self) -> None:
        """An epoch more in every trial at work."""

        def work() -> None:
            for job in self._open:
                self._measures(job, job.trials[0].metrics[METRICS[0]][-1].step + 1)

        self._do(work)

    def registered(self, model: str, version: int, created: datetime) -> None:
        """A version as if it had been registered then."""
        self._workspace.assets.put("models", model, self._version(str(version), {}, created))

    def latest(self, model: str) -> int:
        container = self._workspace.assets.container("models", model)
        return int(container.next) - 1 if container else 0

    def _do(self, work: Callable[[], Result]) -> Result:
        return self._azure.studio._do(work)

    def _take(self, root: Run, graph: Graph, inputs: dict[str, Any], default_compute: str) -> None:
        self._open.append(Job(root, graph, next(self._numbers)))

    def _goes_on(self, at: datetime) -> int:
        for job in self._open:
            self._ages(job, at)
        self._open = [job for job in self._open if not job.root.over]
        return len(self._open)

    def _ages(self, job: Job, at: datetime) -> None:
        job.age += 1
        if job.age == 1:
            job.root.created = at
            job.root.become("Preparing")
        elif job.age == AT_WORK:
            self._begins(job, at)
        elif job.age < LASTS:
            self._measures(job, job.age)
        elif job.number % FAILS == 0:
            self._fails(job, at)
        else:
            self._ends(job, at)

    def _begins(self, job: Job, at: datetime) -> None:
        _runs(job.root, at)
        job.steps = {name: self._engine._node_run(job.root, node) for name, node in job.graph.nodes.items()}
        _runs(job.steps["split"], at)
        _over(job.steps["split"], at)
        train = job.steps["train"]
        _runs(train, at)
        sweep = self._below(train, f"{train.run_id}_HD", "sweep", at)
        sweep.tags["_aml_system_max_total_jobs"] = str(TRIALS)
        job.trials = [self._below(sweep, f"{sweep.run_id}_{number}", "trial", at) for number in range(TRIALS)]
        self._measures(job, 1)

    def _below(self, parent: Run, run_id: str, kind: str, at: datetime) -> Run:
        source = "hyperdrive" if kind == "sweep" else "HyperDrive.HyperDriveChild"
        made = Run(
            run_id,
            kind,
            parent.experiment,
            parent=parent,
            display_name=run_id,
            properties={"azureml.runsource": source},
            created=at,
        )
        _runs(self._workspace.runs.add(made), at)
        return made

    def _measures(self, job: Job, epoch: int) -> None:
        for trial in job.trials:
            for metric in METRICS:
                trial.log(metric, round(self._random.uniform(0.7, 0.95), 6), epoch, epoch)

    def _fails(self, job: Job, at: datetime) -> None:
        message = "CUDA out of memory. Tried to allocate 2.00 GiB"
        error = run_error(
            self._workspace.place, "UserError", message, ("ResourceExhausted", "Memory"), "AutoML"
        )
        for run in (*job.trials, job.steps["train"], job.root):
            run.fail(error)
            run.ended = at

    def _ends(self, job: Job, at: datetime) -> None:
        for trial in job.trials:
            _over(trial, at)
        sweep = job.trials[0].parent
        assert sweep
        for run in (sweep, *job.steps.values(), job.root):
            _runs(run, at - timedelta(minutes=1))
            _over(run, at)
        latest = self.latest(job.model) + 1
        dataset = job.root.tags[EXPORT_TAG].partition(":")[0]
        tags = {
            model_tags.MEAN_AVERAGE_PRECISION: f"{self._random.uniform(0.8, 0.95):.4f}",
            model_tags.PRECISION: "0.91",
            model_tags.RECALL: "0.87",
            model_tags.EPOCH: "3",
            model_tags.DATASET: dataset,
            model_tags.DATASET_VERSION: "1",
            model_tags.PIPELINE_RUN: job.root.run_id,
        }
        self._workspace.assets.put("models", job.model, self._version(str(latest), tags, at))
        store = self._workspace.storage.stores[ARTIFACT_STORE]
        file = store.path_of(f"{job.steps['evaluate'].artifact_prefix}/outputs/evaluation.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self._evaluation(job.model, latest, dataset)))

    def _version(self, number: str, tags: dict[str, str], at: datetime) -> Version:
        uri = self._workspace.place.datastore_uri(ARTIFACT_STORE, f"models/{number}")
        return Version(number, {"modelType": "custom_model", "modelUri": uri, "tags": tags}, at, at)

    def _evaluation(self, model: str, version: int, dataset: str) -> dict[str, Any]:
        points = [[1 - number / 50, 0.99 - number / 500, number / 50] for number in range(50)]
        figures = {
            "average_precision": 0.9,
            "precision": 0.91,
            "recall": 0.87,
            "boxes": 120,
            "points": points,
        }
        measured = {
            "name": model, "version": version, "held_out": True, "mean_average_precision": 0.9, "precision": 0.91,
            "recall": 0.87, "classes": dict.fromkeys(CLASSES, figures),
        }  # fmt: skip
        return {
            "dataset": f"{dataset}:1",
            "set": {"digest": "0" * 64, "pictures": 300, "boxes": 360},
            "models": [measured],
            "pictures": [self._disputed(f"{model}:{version}") for _ in range(SEEN)],
        }

    def _disputed(self, model: str) -> dict[str, Any]:
        name = self._random.choice(self._pictures)
        truth = [self._box(1.0) for _ in range(4)]
        return {
            "name": name,
            "address": f"azureml://datastores/{DATASTORE}/paths/{name}",
            "truth": truth,
            "answers": {model: [*truth[:3], self._box(0.8)]},
            "disagreement": {model: 2},
        }

    def _box(self, score: float) -> dict[str, Any]:
        left, top = self._random.uniform(0, 0.8), self._random.uniform(0, 0.8)
        corners = [round(each, 4) for each in (left, top, left + 0.1, top + 0.1)]
        return {"label": self._random.choice(CLASSES), "corners": corners, "score": score}


def _runs(run: Run, at: datetime) -> None:
    if run.started is None:
        run.become("Running")
        run.started = at


def _over(run: Run, at: datetime) -> None:
    run.become("Completed")
    run.ended = at

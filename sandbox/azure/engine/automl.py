"""An AutoML node: a sweep of trials, each a real process that trains, early stopping, the best of them."""

import asyncio
import json
import zlib
from typing import Any

from sandbox.azure.cluster import NodeLostError
from sandbox.azure.engine.automl_spec import METRIC, AutoMLSpec
from sandbox.azure.engine.bandit import Bandit
from sandbox.azure.engine.jobs import (
    ArmedFailure,
    StepFailedError,
    Workshop,
    machine_for,
    machine_lost,
    run_on,
)
from sandbox.azure.engine.process import JobProcess
from sandbox.azure.engine.sampling import grid_samples, random_samples
from sandbox.azure.runs import Run, run_error
from sandbox.azure.storage import ARTIFACT_STORE
from sandbox.azure.uris import locate

VAGUE = "User errors were found in at least one of the child runs"
INTERNAL = "Encountered an internal AutoML Image error"
TIMEOUT = "Experiment timeout reached, skipping execution of the child run and terminating the parent run."


async def run_automl(workshop: Workshop, run: Run, spec: AutoMLSpec, compute: str) -> None:
    """Runs the sweep. Raises StepFailedError when no trial completed; the node's run and the trials say why."""
    run.become("Preparing")
    cluster = workshop.cluster(run, compute)
    sweep = Sweep(workshop, run, spec, cluster.name)
    run.become("Running")
    sweep.run.become("Running")
    try:
        await asyncio.wait_for(sweep.all_trials(), spec.timeout_minutes * 60)
    except TimeoutError:
        run.warnings.append({"source": "AutoML", "message": TIMEOUT})
    finally:
        sweep.settle()
    run.become("Finalizing")
    best = sweep.best()
    if best is None:
        message = TIMEOUT if run.warnings else VAGUE
        for failed in (sweep.run, run):
            failed.fail(run_error(workshop.workspace.place, "UserError", message, ("BadArgument",), "AutoML"))
        raise StepFailedError(run.run_id)
    sweep.crown(best)
    sweep.run.become("Completed")
    run.become("Completed")


class Sweep:
    def __init__(self, workshop: Workshop, node: Run, spec: AutoMLSpec, compute: str) -> None:
        self._shop = workshop
        self._workspace = workshop.workspace
        self._node = node
        self._spec = spec
        self._compute = compute
        self._bandit = Bandit.of(spec.early_termination)
        self._trials: list[Run] = []
        self._slots = asyncio.Semaphore(spec.max_concurrent_trials)
        seed = f"{node.root.run_id}/{node.display_name}"
        self._seed = zlib.crc32(seed.encode())
        if spec.sampling == "grid":
            self._samples = grid_samples(spec.search_space, spec.max_trials)
        else:
            self._samples = random_samples(spec.search_space, spec.max_trials, seed)
        self.run = self._new_sweep_run()

    def _new_sweep_run(self) -> Run:
        settings = {
            "max_total_jobs": str(self._spec.max_trials),
            "max_concurrent_jobs": str(self._spec.max_concurrent_trials),
            "primary_metric_config": json.dumps({"name": METRIC, "goal": "maximize"}),
            "policy_config": json.dumps(self._spec.early_termination or {"type": "Default"}),
            "generator_config": json.dumps({"name": self._spec.sampling.upper()}),
        }
        return self._workspace.runs.add(
            Run(
                f"{self._node.run_id}_HD",
                "sweep",
                self._node.experiment,
                parent=self._node,
                display_name=f"{self._node.display_name}_HD",
                target=self._compute,
                tags={**settings, "_aml_system_max_total_jobs": str(self._spec.max_trials)},
                properties={
                    "azureml.runsource": "hyperdrive",
                    "primary_metric_config": settings["primary_metric_config"],
                    "platform": "AML",
                    "ContentSnapshotId": "00000000-0000-0000-0000-000000000000",
                },
            )
        )

    async def all_trials(self) -> None:
        tasks = [asyncio.ensure_future(self._slot(n, p)) for n, p in enumerate(self._samples)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _slot(self, number: int, params: dict[str, Any]) -> None:
        async with self._slots:
            await self._trial(
                self._new_trial(number, params), {**self._spec.training_parameters, **params}, number
            )

    def _new_trial(self, number: int, params: dict[str, Any]) -> Run:
        name = f"{self.run.run_id}_{number}"
        sampled = json.dumps(params)
        self.run.tags[name] = sampled
        trial = Run(
            name,
            "trial",
            self._node.experiment,
            parent=self.run,
            display_name=name,
            target=self._compute,
            tags={"hyperparameters": sampled, "_aml_system_hyperparameters": sampled},
            params={key: str(value) for key, value in params.items()},
            properties={
                "azureml.runsource": "HyperDrive.HyperDriveChild",
                "runTemplate": "automl_child",
                "iteration": str(number),
                "primary_metric": METRIC,
                "AMLSettingsJsonString": json.dumps(
                    {"task_type": "image-object-detection", "IsImageTask": True}
                ),
            },
        )
        self._trials.append(trial)
        return self._workspace.runs.add(trial)

    async def _trial(self, trial: Run, params: dict[str, Any], number: int) -> None:
        try:
            cluster = self._shop.cluster(trial, self._compute)
            machine = await machine_for(self._shop, cluster, trial)
        except StepFailedError:
            return
        try:
            trial.become("Preparing")
            await asyncio.sleep(self._workspace.pace.preparing)
            trial.become("Running")
            await self._train(trial, machine, params, number)
        except NodeLostError as lost:
            machine_lost(self._shop, trial, lost)
        except asyncio.CancelledError:
            trial.become("Canceled")
            raise
        finally:
            cluster.release(machine)
            self._shop.upload(trial)

    async def _train(self, trial: Run, machine: Any, params: dict[str, Any], number: int) -> None:
        stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        armed = self._shop.failures.popleft() if self._shop.failures else None
        if armed and armed.epoch == 0:
            self._break(trial, armed)
            return
        self._watch(trial, stop, armed)
        command = [
            *self._shop.trainer,
            "--data",
            str(locate(self._workspace, str(self._spec.training_data)).folder),
            "--datastores",
            str(self._workspace.storage.root),
            "--params",
            json.dumps(params),
            "--seed",
            str((self._seed + number) % 2**31),
        ]
        if self._spec.validation_data:
            command += ["--validation", str(locate(self._workspace, str(self._spec.validation_data)).folder)]
        process = await run_on(self._shop, trial, machine, command, self._shop.environment(trial), stop)
        trial.on_metric = None
        if stop.done() and stop.result() == "policy":
            trial.properties["azureml.earlyTermination"] = "Bandit"
            trial.become("Canceled")
        elif stop.done() and armed:
            self._break(trial, armed)
        else:
            await self._conclude(trial, process)

    def _break(self, trial: Run, armed: ArmedFailure) -> None:
        log = self._shop.log_path(trial)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as end:
            end.write(f"ERROR: {armed.message}\n" if armed.message else "")
        self._fail(trial, armed.message, armed.exit_code)

    def _watch(self, trial: Run, stop: asyncio.Future[str], armed: ArmedFailure | None) -> None:
        def on_metric(name: str, value: float) -> None:
            if name != METRIC or stop.done():
                return
            if armed and len(trial.metrics[METRIC]) >= armed.epoch:
                stop.set_result("armed")
            elif self._bandit and self._bandit.stops(trial.run_id, value):
                stop.set_result("policy")

        trial.on_metric = on_metric

    async def _conclude(self, trial: Run, process: JobProcess) -> None:
        code = await process.wait()
        trial.become("Finalizing")
        if code != 0:
            self._fail(trial, process.error_line, code)
            return
        await asyncio.sleep(self._workspace.pace.finalizing)
        trial.become("Completed")

    def _fail(self, trial: Run, message: str | None, code: int) -> None:
        place = self._workspace.place
        if message is None or message.startswith(INTERNAL):
            text = message or f"{INTERNAL}. Error Message/Code: exit status {code}"
            trial.fail(run_error(place, "SystemError", text, ("ClientError", "AutoMLInternal"), "AutoML"))
            return
        memory = "memory" in message.lower()
        inner = (
            ("ResourceExhausted", "Memory") if memory else ("InvalidData", "ValidationError", "InvalidData")
        )
        trial.fail(run_error(place, "UserError", message, inner, "AutoML"))

    def settle(self) -> None:
        """After the last trial, or after none may run any more."""
        for trial in self._trials:
            trial.become("Canceled")

    def best(self) -> Run | None:
        completed = [t for t in self._trials if t.status == "Completed" and t.metrics.get(METRIC)]
        return max(completed, key=lambda t: max(m.value for m in t.metrics[METRIC]), default=None)

    def crown(self, best: Run) -> None:
        """Names the best trial where clients look for it, and makes its model the node's output."""
        score = max(m.value for m in best.metrics[METRIC])
        self._node.tags["automl_best_child_run_id"] = best.run_id
        self._node.tags["_aml_system_automl_best_child_run_id"] = best.run_id
        self._node.properties["best_child_run_id"] = best.run_id
        self.run.properties["best_child_run_id"] = best.run_id
        self.run.properties["best_metric_status"] = "Succeeded"
        self.run.properties["score"] = str(score)
        model = f"{best.artifact_prefix}/outputs/mlflow-model"
        self._node.outputs["best_model"] = {
            "jobOutputType": "mlflow_model",
            "uri": self._workspace.place.datastore_uri(ARTIFACT_STORE, model),
        }

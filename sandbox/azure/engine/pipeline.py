"""A submitted job from acceptance to its end: the pipeline's nodes in order, their outputs handed on."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.azure.engine.automl import run_automl
from sandbox.azure.engine.automl_spec import read_spec
from sandbox.azure.engine.command import run_command
from sandbox.azure.engine.graph import Bindings, Graph, Node
from sandbox.azure.engine.jobs import StepFailedError, Workshop
from sandbox.azure.place import last_segment
from sandbox.azure.runs import Run, run_error

log = logging.getLogger(__name__)
NODE_IDS = uuid.UUID("0b6c9d1e-9f52-4a7b-8c3d-2e1f0a9b8c7d")


class Engine:
    """Runs jobs as tasks of the twin's event loop."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self._workspace = workshop.workspace
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def submit_pipeline(self, root: Run, graph: Graph, inputs: dict[str, Any], default_compute: str) -> None:
        self._launch(root, lambda: self._pipeline(root, graph, inputs, default_compute))

    def submit_automl(self, root: Run, node: dict[str, Any]) -> None:
        self._launch(
            root, lambda: run_automl(self.workshop, root, read_spec(node), last_segment(node["compute"]))
        )

    def submit_command(self, root: Run, spec: dict[str, Any], inputs: dict[str, Any], compute: str) -> None:
        self._launch(root, lambda: run_command(self.workshop, root, spec, inputs, compute))

    def _launch(self, root: Run, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await work()
            except StepFailedError:
                pass
            except asyncio.CancelledError:
                self._cancelled(root)
            except Exception as error:
                log.exception("job %s broke the engine", root.run_id)
                root.fail(run_error(self._workspace.place, "ServiceError", f"InternalServerError: {error}"))

        task = asyncio.get_running_loop().create_task(run())
        self._tasks[root.run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(root.run_id, None))

    async def cancel(self, root: Run) -> None:
        """Marks what is open, ends the processes, and returns when all of it is cancelled."""
        for run in (root, *self._workspace.runs.descendants(root)):
            run.become("CancelRequested")
        await asyncio.sleep(self._workspace.pace.cancel)
        await self._end(root.run_id)
        self._cancelled(root)

    def abandon(self, run_id: str) -> None:
        """Ends a job's processes soon, without a word to its runs."""
        if run_id in self._tasks:
            self._tasks[run_id].cancel()

    async def _end(self, run_id: str) -> None:
        task = self._tasks.get(run_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _cancelled(self, root: Run) -> None:
        for run in (*self._workspace.runs.descendants(root), root):
            run.become("Canceled")

    async def close(self) -> None:
        """Ends every process this engine started."""
        await asyncio.gather(*(self._end(run_id) for run_id in list(self._tasks)))

    async def _pipeline(self, root: Run, graph: Graph, inputs: dict[str, Any], default_compute: str) -> None:
        root.become("Preparing")
        runs = {name: self._node_run(root, node) for name, node in graph.nodes.items()}
        await asyncio.sleep(self._workspace.pace.preparing)
        root.become("Running")
        bindings = Bindings(inputs)
        done: dict[str, asyncio.Future[None]] = {}

        async def step(node: Node) -> None:
            await asyncio.gather(*(asyncio.shield(done[name]) for name in node.needs))
            await self._step(node, runs[node.name], bindings, default_compute)

        waiting = dict(graph.nodes)
        while waiting:
            ready = [node for node in waiting.values() if node.needs <= set(done)]
            for node in ready:
                done[node.name] = asyncio.ensure_future(step(node))
                del waiting[node.name]
        try:
            results = await asyncio.gather(*done.values(), return_exceptions=True)
        except asyncio.CancelledError:
            for task in done.values():
                task.cancel()
            await asyncio.gather(*done.values(), return_exceptions=True)
            raise
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, StepFailedError):
                raise result
        root.become("Finalizing")
        await asyncio.sleep(self._workspace.pace.finalizing)
        failed = [name for name, run in runs.items() if run.status == "Failed"]
        if not failed:
            root.become("Completed")
            return
        message = (
            f"Pipeline has failed child jobs. Failed nodes: {', '.join('/' + name for name in failed)}. "
            "For more details and logs, please go to the job detail page and check the child jobs."
        )
        root.fail(
            run_error(self._workspace.place, "UserError", message, ("PipelineChildJobFailed",), "pipeline")
        )

    async def _step(self, node: Node, run: Run, bindings: Bindings, default_compute: str) -> None:
        compute = last_segment(
            str(bindings.resolve(node.raw.get("computeId") or node.raw.get("compute") or ""))
        )
        compute = compute or default_compute
        if node.kind == "automl":
            await run_automl(self.workshop, run, read_spec(bindings.resolve(node.raw)), compute)
        else:
            inputs = {key: bindings.resolve(_literal(value)) for key, value in node.inputs.items()}
            run.inputs = inputs
            await run_command(self.workshop, run, node.component, inputs, compute)
        for name, output in run.outputs.items():
            bindings.outputs[node.name, name] = output["uri"]

    def _node_run(self, root: Run, node: Node) -> Run:
        automl = node.kind == "automl"
        return self._workspace.runs.add(
            Run(
                str(uuid.uuid5(NODE_IDS, f"{root.run_id}/{node.name}")),
                node.kind,
                root.experiment,
                parent=root,
                display_name=node.name,
                properties={
                    "azureml.runsource": "automl" if automl else "azureml.StepRun",
                    "azureml.moduleName": node.name,
                    "azureml.moduleNodeName": node.name,
                    "azureml.nodeid": uuid.uuid5(NODE_IDS, node.name).hex[:8],
                    "azureml.pipelinerunid": root.run_id,
                    "azureml.pipeline": root.run_id,
                    "azureml.rootpipelinerunid": root.run_id,
                    "azureml.pipelineComponent": "masterautomlcloud" if automl else "mastercloud",
                    "StepType": "AutoMLStep" if automl else "PythonScriptStep",
                    **({"runTemplate": "AutoML", "Orchestrator": "AutoML"} if automl else {}),
                },
            )
        )


def _literal(value: Any) -> Any:
    """A node input is a plain value or `{job_input_type, value|uri}`."""
    if isinstance(value, dict):
        return value.get("value", value.get("uri"))
    return value

"""A command node: its code, its inputs and outputs as folders, its process."""

import re
import shutil
from typing import Any

from sandbox.azure.assets import Version
from sandbox.azure.cluster import NodeLostError
from sandbox.azure.engine.graph import find_version
from sandbox.azure.engine.jobs import StepFailedError, Workshop, machine_for, machine_lost, run_on
from sandbox.azure.runs import Run, run_error
from sandbox.azure.storage import DEFAULT_STORE
from sandbox.azure.uris import locate

_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_SLOT = re.compile(r"\$\{\{\s*(inputs|outputs)\.(\w+)\s*\}\}")
FOLDERS = ("uri_folder", "uri_file", "mltable", "mlflow_model", "custom_model", "triton_model")


async def run_command(
    workshop: Workshop, run: Run, spec: dict[str, Any], inputs: dict[str, Any], compute: str
) -> None:
    """Runs a command component's process to completion. Raises StepFailedError; the run says why."""
    workspace = workshop.workspace
    run.become("Preparing")
    cluster = workshop.cluster(run, compute)
    node = await machine_for(workshop, cluster, run)
    try:
        run.become("Running")
        _unpack_code(workshop, run, spec)
        line = _command_line(workshop, run, spec, inputs)
        environment = {**workshop.environment(run), **_declared_variables(spec)}
        process = await run_on(workshop, run, node, ["bash", "-c", line], environment)
        code = await process.wait()
        run.become("Finalizing")
    except NodeLostError as lost:
        machine_lost(workshop, run, lost)
        raise StepFailedError(run.run_id) from None
    finally:
        cluster.release(node)
        workshop.upload(run)
    if code == 0 and (refusal := _register_outputs(workshop, run, spec)):
        run.fail(run_error(workspace.place, "UserError", refusal, ("DataAssetExists",)))
        raise StepFailedError(run.run_id)
    if code == 0:
        run.become("Completed")
        return
    reason = process.error_line or process.last_line
    message = (
        f"Execution failed. User process 'bash' exited with status code {code}. "
        f"Please check log file 'user_logs/std_log.txt' for error details. Error: {reason}"
    )
    run.fail(run_error(workspace.place, "UserError", message, ("UserScriptException",)))
    raise StepFailedError(run.run_id)


def _register_outputs(workshop: Workshop, run: Run, spec: dict[str, Any]) -> str:
    """Outputs that name a data asset become one. Returns why that cannot be, as versions are made only once."""
    assets = workshop.workspace.assets
    for name, about in (spec.get("outputs") or {}).items():
        asset = about.get("assetName")
        if not asset:
            continue
        there = assets.container("data", asset)
        number = str(about.get("assetVersion") or (there.next if there else "1"))
        if assets.version("data", asset, number) or assets.was_deleted("data", asset, number):
            return (
                f"Data asset {asset}:{number} already exists or was deleted; output {name} cannot become it."
            )
        properties = {"dataType": run.outputs[name]["jobOutputType"], "dataUri": run.outputs[name]["uri"]}
        assets.put("data", asset, Version(number, properties))
    return ""


def _unpack_code(workshop: Workshop, run: Run, spec: dict[str, Any]) -> None:
    if not spec.get("code"):
        return
    source = locate(workshop.workspace, find_version(workshop.workspace, str(spec["code"]))["codeUri"]).folder
    target = workshop.folder(run)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _declared_variables(spec: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in (spec.get("environment_variables") or {}).items()}


def _command_line(workshop: Workshop, run: Run, spec: dict[str, Any], inputs: dict[str, Any]) -> str:
    """The command with literal inputs and with paths for data; `$[[…]]` falls away when its input is not given."""
    declared = spec.get("inputs") or {}
    values = {
        name: _as_argument(workshop, inputs.get(name, about.get("default")), str(about.get("type", "string")))
        for name, about in declared.items()
    }
    outputs = {
        name: _output_folder(workshop, run, name, str(about.get("jobOutputType") or "uri_folder"))
        for name, about in (spec.get("outputs") or {}).items()
    }

    def fill(match: re.Match[str]) -> str:
        return str((values if match[1] == "inputs" else outputs)[match[2]])

    def keep(match: re.Match[str]) -> str:
        named = _SLOT.findall(match[1])
        return (
            match[1] if all(values.get(name) is not None for kind, name in named if kind == "inputs") else ""
        )

    return _SLOT.sub(fill, _OPTIONAL.sub(keep, str(spec["command"])))


def _as_argument(workshop: Workshop, value: Any, kind: str) -> Any:
    if value is None or kind not in FOLDERS:
        return value
    return locate(workshop.workspace, str(value)).folder


def _output_folder(workshop: Workshop, run: Run, name: str, kind: str) -> Any:
    store = workshop.workspace.storage.stores[DEFAULT_STORE]
    path = f"azureml/{run.run_id}/{name}"
    folder = store.path_of(path)
    folder.mkdir(parents=True, exist_ok=True)
    run.outputs[name] = {
        "uri": workshop.workspace.place.datastore_uri(store.name, path),
        "jobOutputType": kind,
    }
    return folder

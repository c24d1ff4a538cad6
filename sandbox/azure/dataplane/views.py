"""A run as run history shows it."""

from typing import Any

from sandbox.azure.engine.jobs import LOG_NAME
from sandbox.azure.runs import RUN_TYPES, Run
from sandbox.azure.storage import ARTIFACT_STORE
from sandbox.azure.times import duration, history_time, now
from sandbox.azure.workspace import Workspace

ORCHESTRATORS = {
    "pipeline": "Pipeline",
    "automl": "AutoML",
    "sweep": "HyperDrive",
    "trial": "Execution",
    "command": "Execution",
}


def run_view(workspace: Workspace, run: Run) -> dict[str, Any]:
    """The `Run` document."""
    return {
        **_common(workspace, run),
        "createdUtc": history_time(run.created),
        "experimentId": run.experiment_id,
        "displayName": run.display_name or run.run_id,
        "name": None,
        "description": run.description or None,
        "hidden": run.hidden,
        "runType": RUN_TYPES[run.kind],
        "lastModifiedUtc": history_time(run.ended or now()),
        "queueingInfo": run.queueing() if run.queueing and run.status == "Queued" else None,
        "cancelationReason": None,
        "dataContainerId": run.container,
        "options": None,
        "isVirtual": False,
        "scriptName": None,
        "uniqueChildRunComputeTargets": [],
        "actionUris": {},
        "primaryMetricName": None,
        "createdFrom": None,
        "cancelUri": None,
        "completeUri": None,
        "diagnosticsUri": None,
        "retainForLifetimeOfWorkspace": False,
        "activeChildRunId": None,
    }


def details_view(workspace: Workspace, run: Run) -> dict[str, Any]:
    """The `RunDetails` document: adds signed links to the log files."""
    store = workspace.storage.stores[ARTIFACT_STORE]
    name = f"{run.artifact_prefix}/{LOG_NAME}"
    logs = {LOG_NAME: workspace.storage.sas_url(store, name)} if store.get(name) else {}
    return {
        **_common(workspace, run),
        "createdTimeUtc": history_time(run.created),
        "runDefinition": None,
        "logFiles": logs,
        "jobCost": {
            "chargedCpuCoreSeconds": None,
            "chargedCpuMemoryMegabyteSeconds": None,
            "chargedGpuSeconds": None,
            "chargedNodeUtilizationSeconds": None,
        },
        "revision": run.revision,
    }


def _common(workspace: Workspace, run: Run) -> dict[str, Any]:
    spent = (run.ended or now()) - run.started if run.started else None
    user = {"userName": "Spotter", "userTenantId": workspace.place.tenant, "upn": None}
    return {
        "runId": run.run_id,
        "runUuid": run.uuid,
        "parentRunUuid": run.parent.uuid if run.parent else None,
        "rootRunUuid": run.root.uuid,
        "parentRunId": run.parent.run_id if run.parent else None,
        "rootRunId": run.root.run_id,
        "runNumber": run.number,
        "target": run.target,
        "status": run.status,
        "startTimeUtc": history_time(run.started),
        "endTimeUtc": history_time(run.ended),
        "error": run.error,
        "warnings": run.warnings or None,
        "tags": run.tags,
        "properties": run.properties,
        "parameters": {},
        "services": {},
        "settings": {},
        "inputDatasets": [],
        "outputDatasets": [],
        "inputs": None,
        "outputs": None,
        "runTypeV2": {
            "orchestrator": ORCHESTRATORS[run.kind],
            "traits": ["automl", "Remote.Parent"] if run.kind == "automl" else [],
            "attribution": None,
            "computeType": "AmlCompute",
        },
        "computeRequest": {"nodeCount": 1, "gpuCount": 0},
        "compute": _compute(run),
        "createdBy": user,
        "lastModifiedBy": user,
        "userId": workspace.place.workspace_id,
        "statusRevision": run.revision,
        "hasVirtualParent": False,
        "currentComputeTime": None if run.over or spent is None else duration(spent),
        "computeDuration": duration(spent) if spent else None,
        "duration": duration(spent) if spent else None,
        "effectiveStartTimeUtc": None,
        "lastStartTimeUtc": history_time(run.started),
        "revision": run.revision,
    }


def _compute(run: Run) -> dict[str, Any] | None:
    if run.target is None:
        return None
    return {
        "target": run.target,
        "targetType": "AmlCompute",
        "vmSize": run.vm_size,
        "instanceType": run.vm_size,
        "instanceCount": 1,
        "gpuCount": None,
        "priority": "Dedicated",
        "region": None,
        "armId": None,
        "properties": None,
    }

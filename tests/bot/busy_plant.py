"""A plant on a busy morning: something of everything that a digest tells."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from commands.kit.policy import Gates, Policy, Prices, Target
from commands.train.estimate import Estimate
from storage import catalog, deployments, devices, labels, publishes, runs
from storage.catalog import ModelRow
from storage.deployments import Decision, Deployment
from storage.devices import DeviceRow
from storage.labels import LabelExport
from storage.publishes import PublishRun
from storage.runs import TrainingRun

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LINE, MODEL, EXPORT = "C0LINEVIS1", "Cap_Detection_Model", "caps_20261116_143000"
TRAINER: dict[str, Any] = {"requested_by": "U0TRAINER1", "requested_by_name": "trainer", "channel": LINE}
OUT_OF_MEMORY = {"cause": "The GPU ran out of memory.", "remedy": "Use a smaller model size or batch size."}
LOCKED = {"cause": "The labeling project is locked.", "remedy": "Unlock it in the studio."}
NO_PERMISSION = {
    "kind": "permission",
    "sentence": "It waits for a permission to use the service connection aml-workspace-connection.",
    "remedy": "Open the run and permit it.",
}
NO_NODES = {
    "sentence": "Azure has no free machines of this size in the region now.",
    "remedy": "Try again later.",
}
TRIALS = [
    {"number": 1, "status": "Completed", "mean_average_precision": 0.803, "epochs": 30},
    {"number": 2, "status": "Running", "mean_average_precision": 0.812, "epochs": 15},
]
EXPECTED = Estimate(9, 1500, 2520, 4200, 5000, 1.9, "EUR").record()
POLICY = Policy(
    prices=Prices(currency="EUR", Standard_NC4as_T4_v3=0.5),
    targets={
        "line-1": Target(channel=LINE, gates=Gates(mean_average_precision=0.8, recall=0.9)),
        "line-2": Target(channel=LINE, gates=Gates(mean_average_precision=0.5)),
    },
)


def fill(tx: Connection, now: datetime) -> None:
    """What happened in the last hours before `now`."""
    for version, registered, average, recall in (
        (3, 90, 0.842, 0.871),
        (4, 40, 0.853, 0.914),
        (5, 3, 0.811, 0.902),
    ):
        catalog.add_model(tx, _version(MODEL, version, now - registered * HOUR, average, recall))
    catalog.add_model(tx, _version("Label_Model", 1, now - 5 * HOUR, 0.734, 0.8))
    devices.keep(
        tx,
        [
            *(camera("line-1", number, "3", now) for number in (1, 2, 3)),
            *(camera("line-2", number, "4", now) for number in (4, 5)),
        ],
    )
    _rollouts(tx, now)
    _trainings(tx, now)
    publishes.add(tx, _publish("publish-1", "running", now - 8 * MINUTE, waiting=NO_PERMISSION))
    publishes.add(
        tx, _publish("publish-2", "published", now - 9 * HOUR, ended_at=now - 8 * HOUR, version="12")
    )
    failed = LabelExport(
        "labels-1", "failed", "p", "Label stickers", 120, requested_at=now - 3 * HOUR, **TRAINER
    )
    labels.add_export(tx, failed)
    labels.change_export(tx, failed.id, ended_at=now - 2 * HOUR, failure=LOCKED)


def _rollouts(tx: Connection, now: datetime) -> None:
    waiting = _rollout("line-1-cap-5", "waiting", 5, "line-1", now - 2 * HOUR, needed=2)
    overridden = _rollout("line-2-cap-4", "shipped", 4, "line-2", now - 11 * HOUR, ended_at=now - 10 * HOUR)
    taken_back = _rollout("line-1-cap-4", "rolled_back", 4, "line-1", now - 7 * HOUR, ended_at=now - 6 * HOUR)
    for each in (waiting, overridden, taken_back):
        deployments.add(tx, each)
    deployments.change(
        tx, taken_back.id, rollback_by="spotter", rollback_reason="line-1-cam-2 was silent for 30 min."
    )
    for deployment, person, verdict, reason in (
        (waiting, "first_approver", "approve", ""),
        (overridden, "second_approver", "override", "the new caps are on line 2 only"),
    ):
        decision = Decision(deployment.id, f"U0{person}", person, verdict, reason, "f", now - 90 * MINUTE)
        deployments.decide(tx, decision)


def _trainings(tx: Connection, now: datetime) -> None:
    ended = {"ended_at": now - HOUR, "failure": OUT_OF_MEMORY}
    for run in (
        training("lid-1", "Lid_Model", "failed", now - 4 * HOUR, **ended),
        training("fixed-1", "Bottle_Model", "failed", now - 6 * HOUR, **ended),
        training("fixed-2", "Bottle_Model", "running", now - 40 * MINUTE, started_at=now - 30 * MINUTE,
                  progress={"trials": TRIALS, "max_trials": 4, "max_epochs": 30}),
        training("stuck-1", "Neck_Model", "queued", now - 3 * HOUR, waiting=NO_NODES),
        training("early-1", "Crate_Model", "queued", now - 5 * MINUTE, estimate=EXPECTED),
        training("label-1", "Label_Model", "registered", now - 9 * HOUR, ended_at=now - 5 * HOUR,
                  registered_version=1, node_seconds=9000, vm_size="standard_nc4as_t4_v3"),
        training("gone-1", "Cork_Model", "canceled", now - 5 * HOUR, ended_at=now - 4 * HOUR),
    ):  # fmt: skip
        runs.add(tx, run)


def _version(name: str, version: int, at: datetime, average: float, recall: float) -> ModelRow:
    tags = {"Dataset": EXPORT, "Dataset Version": "1"}
    run_id = "label-1" if name == "Label_Model" else f"cap-{version}"
    return ModelRow(name, version, at, "trainer", average, 0.9, recall, tags, None, run_id, True, at)


def camera(target: str, number: int, version: str, now: datetime) -> DeviceRow:
    is_connected = number != 2
    return DeviceRow(f"{target}-cam-{number}", target, "all", MODEL, version, True, is_connected, "", now)


def _rollout(
    name: str, state: str, version: int, target: str, at: datetime, *, needed: int = 1, **more: Any
) -> Deployment:
    return Deployment(
        id=name,
        request_id=name,
        state=state,
        target=target,
        model_name=MODEL,
        model_version=version,
        reason="fewer missed caps",
        requested_at=at,
        expires_at=at + timedelta(days=1),
        approvals_needed=needed,
        decided_at=more.get("ended_at"),
        **TRAINER,
        **more,
    )


def training(name: str, model: str, state: str, at: datetime, **more: Any) -> TrainingRun:
    return TrainingRun(
        id=name,
        request_id=name,
        state=state,
        model_name=model,
        dataset=EXPORT,
        dataset_version="1",
        cluster="gpu-cluster",
        experiment="spotter",
        requested_at=at,
        **TRAINER,
        **more,
    )


def _publish(name: str, state: str, at: datetime, **more: Any) -> PublishRun:
    return PublishRun(
        id=name,
        request_id=name,
        state=state,
        elsewhere=False,
        pipeline="spotter-publish",
        branch="main",
        requested_at=at,
        **TRAINER,
        **more,
    )

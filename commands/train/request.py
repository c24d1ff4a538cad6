"""Writes down that a training is wanted; the follower makes the job."""

import hashlib

from sqlalchemy import Connection

from commands.kit.command import Asked
from commands.kit.services import Services
from commands.train.budget import in_money
from commands.train.estimate import Estimate, size_of
from commands.train.form import TrainArgs
from commands.train.show import show_run
from infra.azureml.names import slug
from storage import audit, catalog, runs
from storage.runs import TrainingRun

NAME_ROOM = 200


def request(
    tx: Connection,
    args: TrainArgs,
    asked: Asked,
    services: Services,
    expected: Estimate | None,
    *,
    channel: str,
) -> bool:
    """Commit the intent, its audit row and the live message; the follower makes the job. False for the same request
    again."""
    now = services.clock.now()
    request_id = hashlib.sha256(asked.key.encode()).hexdigest()[:16]
    export = catalog.get_export(tx, args.dataset)
    size = size_of(tx, args.dataset, args.cluster, services.policy)
    run = TrainingRun(
        id=f"{slug(args.model_name)[:NAME_ROOM] or 'model'}-{now:%Y%m%d}-{request_id[:6]}",
        request_id=request_id,
        state="requested",
        model_name=args.model_name,
        dataset=args.dataset,
        dataset_version=export.version if export else "1",
        cluster=args.cluster,
        experiment=args.experiment,
        requested_by=asked.person.id,
        requested_by_name=asked.person.name,
        channel=channel,
        requested_at=now,
        vm_size=size.vm_size,
        max_trials=size.max_trials,
        images=size.images,
        estimate=expected.record() if expected else None,
    )
    if not runs.add(tx, run):
        return False
    audit.record(
        tx,
        at=now,
        actor=asked.person.id,
        action="train.request",
        subject=run.id,
        model=run.model_name,
        dataset=f"{run.dataset}:{run.dataset_version}",
        cluster=run.cluster,
        experiment=run.experiment,
        **in_money(expected, services.policy),
    )
    show_run(tx, run, services)
    return True

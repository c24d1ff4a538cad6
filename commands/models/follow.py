"""Watches the registry: every version that appears is announced once, also one registered by hand.

At the first look ever, what is there already is taken as known, silently.
"""

from commands.kit.command import COURIER
from commands.kit.services import Services
from commands.models.command import models
from commands.models.messages import announcement
from infra.azureml.models import ModelVersion
from storage import audit, catalog, marks, messages, runs
from storage.catalog import ModelRow

FIRST_LOOK = "models.first_look"
RUN_TAGS = ("Pipeline run", "spotter_run")
FOLLOWER = "models"


@models.follow(FOLLOWER, every=lambda policy: policy.pace.runs_seconds)
def follow_models(services: Services) -> None:
    """One list call; versions are fetched only for models that changed."""
    with services.store.read() as tx:
        known = catalog.known_versions(tx)
        looked_before = marks.get(tx, FIRST_LOOK) is not None
    changed = services.azure.models({name: str(version) for name, version in known.items()})
    for model in changed:
        unseen = [
            version
            for version in services.azure.versions(model.name)
            if version.version > known.get(model.name, 0)
        ]
        for version in sorted(unseen, key=lambda each: each.version):
            _take(version, services, announce=looked_before)
    if not looked_before:
        with services.store.write() as tx:
            marks.put(tx, FIRST_LOOK, "done", services.clock.now())
    if changed:
        services.wake(COURIER)
        services.wake("training runs")


def _take(version: ModelVersion, services: Services, *, announce: bool) -> None:
    now = services.clock.now()
    row = ModelRow(
        name=version.name,
        version=version.version,
        created_at=version.created_at,
        created_by=version.created_by,
        mean_average_precision=version.mean_average_precision,
        precision=version.precision,
        recall=version.recall,
        tags=dict(version.tags),
        uri=version.uri,
        run_id=next((version.tags[tag] for tag in RUN_TAGS if tag in version.tags), version.job_name or None),
        announced=announce,
        seen_at=now,
    )
    with services.store.write() as tx:
        if catalog.get_model(tx, row.name, row.version):
            return
        catalog.add_model(tx, row)
        if not announce:
            return
        run = runs.get(tx, row.run_id) if row.run_id else None
        channel = run.channel if run else services.policy.channels.models
        if channel is None:
            return
        earlier = [older for older in catalog.versions_of(tx, row.name) if older.version < row.version]
        messages.want(
            tx,
            f"model:{row.name}:{row.version}",
            channel=channel,
            content=announcement(row, earlier, run).content(),
            at=now,
            urgency=messages.RESULT,
            fallback=run.requested_by if run else None,
        )
        audit.record(
            tx,
            at=now,
            actor="spotter",
            action="model.announce",
            subject=f"{row.name}:{row.version}",
            run=row.run_id,
            mean_average_precision=row.mean_average_precision,
        )

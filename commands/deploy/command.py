"""The command: what may be asked for, and what is written down when someone asks."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from commands.deploy.aloud import ended_aloud
from commands.deploy.record import change, tell
from commands.kit.blocks import note
from commands.kit.choosing import narrowed
from commands.kit.command import COURIER, Answer, Asked, Command, OpenForm, Option, Reply, choice, text
from commands.kit.errors import UserError
from commands.kit.forms import MAX_OPTIONS
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import listing, metric
from infra.azureml.names import slug
from storage import audit, catalog, deployments
from storage.catalog import ModelRow
from storage.deployments import Deployment

DEPLOYMENTS = "deployments"
NAME_ROOM = 80


def model_versions(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over versions of all models, newest first."""
    return narrowed(services, typed, _newest_versions)


def _newest_versions(tx: Connection, services: Services, containing: str) -> list[Option]:
    rows = catalog.newest_versions(tx, limit=MAX_OPTIONS, containing=containing.partition(":")[0])
    return [
        Option(
            f"{row.name}:{row.version}",
            f"{row.name} v{row.version}",
            f"mAP {metric(row.mean_average_precision)}",
        )
        for row in rows
    ]


def targets(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over the targets of the policy file, with what runs there."""
    return narrowed(services, typed, _targets)


def _targets(tx: Connection, services: Services, containing: str) -> list[Option]:
    there = deployments.incumbents(tx)
    names = [name for name in services.policy.targets if containing in name.lower()]
    return [Option(name, name, _running(there.get(name))) for name in names]


@dataclass(frozen=True)
class DeployArgs:
    model: str = choice(
        "Model version",
        from_=model_versions,
        hint="Cap_Detection_Model:4, or its newest",
        none="No model is registered yet: /train makes the first one.",
    )
    target: str = choice("Target", from_=targets, hint="The devices that get it")
    reason: str = text("Why", hint="Approvers read this: what is better, and what was tried", multiline=True)


deploy = Command(
    "/deploy",
    DeployArgs,
    role="deploy",
    summary="Ask for a model version on an edge target",
    title="Deploy a model",
    submit="Ask for approval",
    changes=True,
)


@deploy.check
def model_is_registered(args: DeployArgs, services: Services) -> None:
    with services.store.read() as tx:
        wanted_model(tx, args.model)


@deploy.check
def target_is_known(args: DeployArgs, services: Services) -> None:
    known = list(services.policy.targets)
    if not known:
        raise UserError(
            "There is no target to deploy to.",
            "Whoever runs Spotter names targets in spotter.toml, under [targets.NAME].",
        )
    if args.target not in known:
        raise UserError(
            f"There is no target called “{args.target[:80]}”.",
            f"Choose {listing(known)}." if len(known) == 1 else f"There are {listing(known)}.",
            field="target",
        )


@deploy.check
def edge_is_connected(args: DeployArgs, services: Services) -> None:
    missing = [
        name
        for name, service in (("Azure DevOps", services.devops), ("IoT Hub", services.hub))
        if service is None
    ]
    if missing:
        raise UserError(
            f"Spotter is not connected to {' and '.join(missing)}, so nothing can be shipped.",
            "Whoever runs Spotter sets AZURE_DEVOPS_ORG_URL, AZURE_DEVOPS_PROJECT and IOTHUB_HOSTNAME.",
        )


@deploy.check
def version_is_not_there_already(args: DeployArgs, services: Services) -> None:
    with services.store.read() as tx:
        model = wanted_model(tx, args.model)
        there = deployments.incumbent(tx, args.target)
        moving = deployments.in_states(tx, deployments.MOVING, args.target)
    for each in [*moving, *([there] if there else [])]:
        if (each.model_name, each.model_version) == (model.name, model.version):
            how = "runs on" if each is there else "is on its way to"
            raise UserError(
                f"{model.name} v{model.version} {how} {args.target} already.",
                "Choose another version.",
                field="model",
            )


@deploy.run
def ask(args: DeployArgs, asked: Asked, services: Services) -> Answer:
    """Commit the request and its audit row; the follower collects what approvers need to see."""
    now = services.clock.now()
    target = services.policy.targets[args.target]
    request_id = hashlib.sha256(asked.key.encode()).hexdigest()[:16]
    with services.store.write() as tx:
        model = wanted_model(tx, args.model)
        deployment = Deployment(
            id=f"{args.target}-{slug(model.name)[:NAME_ROOM] or 'model'}-{model.version}-{request_id[:6]}",
            request_id=request_id,
            state="preparing",
            target=args.target,
            model_name=model.name,
            model_version=model.version,
            reason=args.reason,
            requested_by=asked.person.id,
            requested_by_name=asked.person.name,
            channel=target.channel,
            requested_at=now,
            expires_at=now + timedelta(hours=target.expires_hours),
            approvals_needed=target.approvals,
        )
        if deployments.add(tx, deployment):
            _supersede_older(tx, deployment, services)
            audit.record(
                tx,
                at=now,
                actor=asked.person.id,
                action="deploy.request",
                subject=deployment.id,
                model=deployment.model,
                target=deployment.target,
                reason=deployment.reason,
            )
    services.wake(COURIER)
    services.wake(DEPLOYMENTS)
    return Reply(
        note(
            f"Spotter collects what approvers of {args.target} need to see, and then asks them in <#{target.channel}>."
        )
    )


@deploy.action("ask")
def ask_for(model: str, asked: Asked, services: Services) -> Answer:
    """The button under an announcement."""
    known = list(services.policy.targets)
    return OpenForm(deploy, {"model": model, **({"target": known[0]} if len(known) == 1 else {})})


def wanted_model(tx: Connection, wanted: str) -> ModelRow:
    """The version that `name:version` means, or the newest of `name`. Raises UserError for the field model."""
    name, _, version = wanted.rpartition(":") if ":" in wanted else (wanted, "", "")
    versions = catalog.versions_of(tx, name, limit=1000)
    if not versions:
        raise UserError(
            f"No registered model is called “{name[:80]}”.",
            "/models lists those that are.",
            field="model",
        )
    if not version:
        return versions[0]
    number = version.removeprefix("v")
    found = next((row for row in versions if str(row.version) == number), None)
    if found is None:
        have = listing([f"v{row.version}" for row in versions], 10)
        raise UserError(f"{name} has no version “{version[:20]}”.", f"It has {have}.", field="model")
    return found


def _supersede_older(tx: Connection, newer: Deployment, services: Services) -> None:
    for older in deployments.in_states(tx, deployments.UNDECIDED, newer.target):
        if older.id == newer.id:
            continue
        outcome = f"{newer.requested_by_name} asked for {newer.model_name} v{newer.model_version} instead."
        ended = change(tx, older, services, action="deploy.superseded", state="superseded", outcome=outcome)
        if older.requested_by != newer.requested_by:
            tell(tx, ended, services, "ended", ended_aloud(ended))


def _running(there: Deployment | None) -> str:
    return f"now {there.model_name} v{there.model_version}" if there else "nothing of Spotter's there yet"

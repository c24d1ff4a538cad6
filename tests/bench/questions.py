"""What people and followers ask of the store, as handlers are called at a click; `store` times it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from slack_sdk import WebClient

from commands import rooms
from commands.deploy import evidence
from commands.deploy.command import model_versions, targets
from commands.deploy.decide import approve
from commands.deploy.prepare import measured_beside
from commands.digest.command import now as digest_now
from commands.digest.sending import collect
from commands.home.view import home
from commands.kit.clock import Clock
from commands.kit.command import Asked, Choices
from commands.kit.health import Health
from commands.kit.people import Directory, Person
from commands.kit.policy import Gates, Policy, Roles, Target
from commands.kit.services import Services
from commands.models.command import ModelsArgs, registered_models
from commands.models.command import show as models
from commands.runs.command import RunsArgs, recent_runs
from commands.runs.command import show as runs
from commands.train.estimate import Size as TrainingSize
from commands.train.estimate import expect
from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from storage import audit, catalog, deployments, messages
from storage.database import Store
from storage.digests import Digest
from storage.memory import Memory
from tests.bench.large_texts import CHANNEL

REQUESTER, APPROVER = Person("U0TRAINER1", "trainer"), Person("U0APPROVE1", "approver")
EVERYBODY = Roles(train="everyone", publish="everyone", deploy="everyone", approve=[APPROVER.id])
LINE = Target(channel=CHANNEL, gates=Gates(mean_average_precision=0.7, recall=0.5))
POLICY = Policy(roles=EVERYBODY, targets={f"line-{number}": LINE for number in range(50)})
ASKED = Asked(REQUESTER, CHANNEL, "command:bench")


def questions(services: Services) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked, by its name."""
    at = services.clock.now()
    digest = Digest("d", CHANNEL, "30 8 * * *", "UTC", False, "U0TRAINER1", "trainer", at, at)
    yield "`/runs`", lambda: runs(RunsArgs(), ASKED, services)
    yield "`/runs`, one of them", lambda: runs(RunsArgs("model-107-20261122-107"), ASKED, services)
    yield "`/models`", lambda: models(ModelsArgs(), ASKED, services)
    yield "`/models`, one of them", lambda: models(ModelsArgs("Model_7"), ASKED, services)
    yield "Home", lambda: home(APPROVER, services)
    yield "digest asked for, of a day", lambda: digest_now(ASKED, services)
    yield "digest sent, of a day", lambda: collect(digest, services)
    yield "type-ahead over runs", lambda: _anew(services, recent_runs, "model-7")
    yield "type-ahead over models", lambda: _anew(services, registered_models, "7")
    yield "time and cost told before a training", lambda: _estimate(services)
    yield "courier: what Slack does not show yet", lambda: _due(services)
    yield "courier: one wish more", lambda: _wish(services)
    yield "type-ahead over versions to deploy", lambda: _anew(services, model_versions, "model_7")
    yield "type-ahead over targets", lambda: _anew(services, targets, "")


def _anew(services: Services, choices: Choices, typed: str) -> None:
    """As the first one who types."""
    services.store._memory = Memory(lambda: False, may_hang=False)
    choices(services, REQUESTER, typed)


def _estimate(services: Services) -> None:
    with services.store.read() as tx:
        expect(tx, TrainingSize("standard_nc4as_t4_v3", 9, 1500), services.policy)


def _due(services: Services) -> None:
    with services.store.read() as tx:
        messages.due(tx, services.clock.now())


def _wish(services: Services) -> None:
    at = services.clock.now()
    with services.store.write() as tx:
        messages.want(tx, "run:bench", channel=CHANNEL, content={"text": str(at)}, at=at)
        audit.record(tx, at=at, actor="spotter", action="bench", subject="run:bench")


def clicks(services: Services) -> tuple[Callable[[], object], Callable[[], None]]:
    """A click on Approve, and what makes a request that it can be about."""
    number = 0
    with services.store.read() as tx:
        candidate, incumbent = catalog.newest_versions(tx, 2)
        measured = measured_beside(tx, candidate, incumbent)
        known = deployments.recent(tx, 1)[0]

    def ask() -> None:
        nonlocal number
        number += 1
        found = evidence.collect(
            evidence.figures(candidate, ""),
            evidence.figures(incumbent, ""),
            LINE,
            {"canary": ["c"], "all": ["c"]},
            measured,
        )
        asked = replace(
            known,
            id=f"bench-{number}",
            request_id=f"bench-{number}",
            state="waiting",
            target="line-0",
            model_name=candidate.name,
            model_version=candidate.version,
            requested_by=REQUESTER.id,
            expires_at=services.clock.now() + timedelta(hours=1),
            evidence=found,
            fingerprint=evidence.fingerprint("line-0", found),
            approvals_needed=2,
            ended_at=None,
            decided_at=None,
            rings=None,
        )
        with services.store.write() as tx:
            if number > 1:
                deployments.change(
                    tx, f"bench-{number - 1}", state="withdrawn", ended_at=services.clock.now()
                )
            deployments.add(tx, asked)

    def click_on_it() -> None:
        approve(f"bench-{number}", Asked(APPROVER, CHANNEL, f"click:{number}"), services)

    return click_on_it, ask


def serve(store: Store, client: WebClient) -> Services:
    """What handlers are handed; nothing that they are asked here goes to Azure."""
    clock = Clock()
    return Services(
        store=store,
        policy=POLICY,
        clock=clock,
        people=Directory(client, POLICY.roles, clock),
        health=Health(clock),
        azure=Workspace.connect(WorkspaceId("s", "g", "w")),
        devops=None,
        hub=None,
        wake=lambda _name: None,
        commands=rooms.ALL,
    )

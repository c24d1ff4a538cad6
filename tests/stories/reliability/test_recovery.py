"""Services go away and come back: /readyz and Home say so, and soon that all is well again."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url, text

from commands.kit.blocks import note
from commands.kit.health import AZURE, DATABASE, DEVOPS, IOT_HUB, SLACK
from sandbox.faults import Action, Fault, Faults
from storage import messages
from tests.abuse.plant import LINE
from tests.postgresql import Cluster, cluster
from tests.stories.labeling import label_and_export
from tests.stories.stage import Stage
from tests.stories.trouble import ASK, held_database

__all__ = ["cluster"]
ALWAYS = 1_000_000
SOON = 10.0  # seconds from a service's return
AS_IN_LIFE = {"runs_seconds = 0.75": "runs_seconds = 15", "catalog_seconds = 4": "catalog_seconds = 60"}
WITHOUT_HOME = r"/api/(chat|conversations|usergroups|users)\."
Away = Callable[[Stage], AbstractContextManager[None]]


def troubled(stage: Stage) -> set[str]:
    """The services that /readyz names."""
    return {each["service"] for each in stage.bot.get("/readyz")[1]["degraded"]}


@contextmanager
def away(faults: Faults, *hows: Action, path: str = "") -> Iterator[None]:
    """Nothing there answers as it should. What was asked over a connection that hangs is never answered."""
    armed = [faults.arm(Fault("*", path, how, times=ALWAYS)) for how in hows]
    yield
    for fault in armed:
        fault.times = 0
        if not fault.action.startswith("hang"):
            faults.disarm(fault)


@contextmanager
def closed_database(stage: Stage) -> Iterator[None]:
    """PostgreSQL ends all sessions and takes no new ones, as while it is moved to another machine."""
    url = make_url(stage.bot.environment["DATABASE_URL"])
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def takes_connections(*, yes: bool) -> None:
        with engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS {yes}"))

    takes_connections(yes=False)
    with engine.connect() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(ended), {"name": url.database})
    yield
    takes_connections(yes=True)
    engine.dispose()


def news(stage: Stage, key: str) -> None:
    """A message that the courier is to post."""
    with stage.store().write(patience=60) as tx:
        told = note(f"News of {key}").content()
        messages.want(tx, key, channel=LINE, content=told, at=datetime.now(UTC))


def test_everything_goes_away_and_comes_back(stage: Stage) -> None:
    world = stage.world
    everything = {AZURE, DEVOPS, IOT_HUB, SLACK, DATABASE}
    world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    with (
        away(world.azure_faults, "answer"),
        away(world.devops_faults, "drop_before"),
        away(world.edge_faults, "answer"),
        away(world.slack_faults, "answer", path=WITHOUT_HOME),
    ):
        news(stage, "the line")
        with held_database(stage):
            stage.until(lambda: troubled(stage) == everything, "all services are in trouble")
        told = stage.trainer.opens_home("IoT Hub:").text
        assert "All is well" not in told
        for service in (AZURE, DEVOPS, IOT_HUB, SLACK):
            assert f":warning: {service}: " in told
        assert stage.bot.is_ready()
    stage.until(lambda: not troubled(stage), "nothing is in trouble")
    stage.trainer.opens_home("All is well")
    stage.line.shows("News of the line")


SERVICES: dict[str, tuple[str, Away]] = {
    "Azure answers 503": (AZURE, lambda stage: away(stage.world.azure_faults, "answer")),
    "Azure drops connections": (AZURE, lambda stage: away(stage.world.azure_faults, "drop_before")),
    "Azure hangs": (AZURE, lambda stage: away(stage.world.azure_faults, "hang_before")),
    "Blob storage answers 503": (
        AZURE,
        lambda stage: away(stage.world.azure_faults, "answer", path="/Labeling/export/"),
    ),
    "Azure DevOps answers 503": (DEVOPS, lambda stage: away(stage.world.devops_faults, "answer")),
    "Azure DevOps hangs": (DEVOPS, lambda stage: away(stage.world.devops_faults, "hang_before")),
    "IoT Hub answers 503": (IOT_HUB, lambda stage: away(stage.world.edge_faults, "answer")),
    "IoT Hub hangs": (IOT_HUB, lambda stage: away(stage.world.edge_faults, "hang_before")),
    "Slack answers 503": (SLACK, lambda stage: away(stage.world.slack_faults, "answer", path=WITHOUT_HOME)),
    "Slack hangs": (SLACK, lambda stage: away(stage.world.slack_faults, "hang_before", path=WITHOUT_HOME)),
    "PostgreSQL is closed": ("database", closed_database),
}


@pytest.mark.soak
def test_each_service_is_well_again_soon(
    new_stage: Callable[..., Stage], cluster: Cluster, tell: Callable[[object], None]
) -> None:
    """At the pace that people have. Who opens Home while the database is away is told so, and the log tells why."""
    stage = new_stage(policy=AS_IN_LIFE, DATABASE_URL=cluster.new_database())
    stage.expects("incident")
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    took: dict[str, float] = {}
    for number, (what, (service, goes_away)) in enumerate(SERVICES.items()):
        if what.startswith("Blob"):
            label_and_export(stage, f"caps_202611{number + 10}_100000", ("cap_on",))
        began = time.monotonic()
        with goes_away(stage):
            if service == SLACK:
                news(stage, what)
            stage.until(lambda service=service: service in troubled(stage), f"{what} is told")  # type: ignore[misc]
            noticed = time.monotonic() - began
        back = time.monotonic()
        stage.until(lambda: not troubled(stage) and stage.bot.is_ready(), f"{what} no more")
        took[what] = time.monotonic() - back
        stage.trainer.opens_home("All is well")
        tell(f"{what}: told after {noticed:.1f} s, well {took[what]:.1f} s after it was back")
    assert max(took.values()) < SOON, took

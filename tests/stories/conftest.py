"""A published workspace, made once for each worker and copied for each story; the bot and people upon it."""

import fcntl
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.azure.pace import Pace
from sandbox.azure.seed import Content, content_of, copy
from sandbox.azure.twin import trainer_of
from sandbox.devops.pace import Pace as DevOpsPace
from sandbox.edge.pace import Pace as EdgePace
from sandbox.environment import bot_environment
from sandbox.people import People
from sandbox.world import World
from tests.forks import Forks
from tests.stories.stage import PATIENCE, Bot, Stage, steady

POLICY = Path(__file__).with_name("spotter.toml")
QUICK_AGENTS = DevOpsPace(agent_start=0.1, minute=5.0, terminate_grace=0.5, delivery_retry=0.1)
QUICK_EDGE = EdgePace(evaluation=0.1, index=0.1, metrics=0.2, sync=0.1, picture=0.5, backoff=0.2, minute=1.0)
UNHURRIED = 60.0  # seconds that people wait for an answer: a crowded machine is no reason to fail
QUICK = Pace(node_start=0.4, preparing=0.05, finalizing=0.05, cancel=0.2, event_retry=0.2)


@dataclass(frozen=True)
class Template:
    """A seeded workspace with the pipeline published, and the app's manifest."""

    workspace: Content
    manifest: dict[str, Any]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, worker_id: str, forks: Forks) -> Template:
    """Made by the worker that needs it first, and read by all others."""
    root = tmp_path_factory.getbasetemp()
    shared = root if worker_id == "master" else root.parent
    made = shared / "template.pickle"
    with (shared / "template.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(_make_template(tmp_path_factory.mktemp("template"), forks)))
    template: Template = pickle.loads(made.read_bytes())  # noqa: S301  this run of the suite wrote it
    return template


def _make_template(folder: Path, forks: Forks) -> Template:
    world = World(folder, pace=QUICK)
    world.start()
    try:
        bot = Bot(bot_environment(world, folder, POLICY), folder, forks)
        with ThreadPoolExecutor() as pool:  # beside each other, as all workers wait for it
            published = pool.submit(bot.tells, "publish-pipeline", "--version", "1", "--config", str(POLICY))
            manifest = pool.submit(bot.tells, "manifest")
            world.seed()
        published.result()
        return Template(content_of(world.azure), json.loads(manifest.result()))
    finally:
        world.stop()


@pytest.fixture(scope="session")
def compiled(pytestconfig: pytest.Config) -> Path:
    """Where the trainer's compiled steps are kept from one run of the suite to the next."""
    return Path(pytestconfig.cache.mkdir("compiled"))


@pytest.fixture
def new_stage(
    template: Template, compiled: Path, forks: Forks, suite: int, tmp_path: Path
) -> Iterator[Callable[..., Stage]]:
    """Makes a stage; `settings` are more environment variables, `policy` replaces parts of the policy file's text,
    `before` changes the world before the bot sees it; `lines` tells how many devices each line has, none by default;
    without `furnished` Azure is as empty as Bicep leaves it; `forked=False` starts the bot by its command line, which takes a second longer."""
    stages: list[Stage] = []

    def make(
        *,
        policy: dict[str, str] | None = None,
        before: Callable[[World], object] | None = None,
        start: bool = True,
        forked: bool = True,
        furnished: bool = True,
        lines: Mapping[str, int] | None = None,
        slack_patience: float = UNHURRIED,
        **settings: str,
    ) -> Stage:
        folder = tmp_path / f"stage{len(stages)}"
        folder.mkdir()
        text = POLICY.read_text()
        for old, new in (policy or {}).items():
            assert old in text
            text = text.replace(old, new)
        (folder / "spotter.toml").write_text(text)
        world = World(
            folder,
            pace=QUICK,
            devops_pace=QUICK_AGENTS,
            edge_pace=QUICK_EDGE,
            lines=lines or {},
            trainer=trainer_of(suite),
            cache=compiled,
            slack_patience=slack_patience,
        )
        if furnished:
            copy(template.workspace, world.azure)
        world.start()
        world.slack.install(template.manifest)
        if before:
            before(world)
        bot = Bot(
            {**bot_environment(world, folder, folder / "spotter.toml"), **settings},
            folder,
            forks,
            forked=forked,
        )
        stage = Stage(world, bot, People(world.slack.url, patience=PATIENCE, steady=steady))
        stages.append(stage)
        if start:
            bot.start()
            if furnished:
                stage.knows_the_workspace()
        return stage

    yield make
    try:
        for stage in stages:
            stage.check()
    finally:
        for stage in stages:
            if stage.bot.alive:
                stage.bot.kill()
            stage.people.close()
            stage.world.stop()


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    """The usual stage: the bot runs, knows the workspace, and nothing has happened yet."""
    return new_stage()

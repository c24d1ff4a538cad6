"""What people do, from the first word to the last message. Who plays it goes on whatever happens to the bot."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from infra.training.register import model_tags
from sandbox.azure.assets import Version
from sandbox.people import Message, NotSeenError, RefusedError
from sandbox.world import World
from storage.tables import digest_firings, digests
from tests.stories.publishing import short_pipeline
from tests.stories.registry import registers, registers_with
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"
BRANCH = "short"
TRAINING, STEP = "spotter_training", "spotter_step"
ENDURES = 400.0
NOT_HEARD = (RefusedError, NotSeenError, OSError)


class Player:
    """People at work. Where nobody heard them they do it again, after a look whether it was done after all."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._store = stage.store()

    def sql(self, query: str, **given: Any) -> Any:
        with self._store.read() as tx:
            return tx.execute(text(query), given).scalar()

    def until(self, query: str, **given: Any) -> None:
        """Waits until the store says so, for as long as it may take a bot that is hardly ever up."""
        deadline = time.monotonic() + ENDURES
        while not self.sql(query, **given):
            if time.monotonic() > deadline:
                raise AssertionError(f"never came true: {query} {given}; {self._last_request()}")
            time.sleep(0.05)

    def _last_request(self) -> str:
        about = "SELECT id, state, rings, waiting, outcome, trouble, tries FROM deployments"
        with self._store.read() as tx:
            row = tx.execute(text(f"{about} ORDER BY requested_at DESC LIMIT 1")).first()
        return f"last request: {row}" if row else ""

    def does(self, act: Callable[[], object], is_done: Callable[[], object]) -> None:
        """One thing at a time: only when Slack has said that nobody heard it, or has said nothing, it is done again."""
        said, deadline = "nothing", time.monotonic() + ENDURES
        while not is_done():
            assert time.monotonic() < deadline, f"it was never done, and Slack said {said}"
            self.stage.until(self.stage.bot.is_ready, "the bot is ready")
            try:
                act()
            except NOT_HEARD as unheard:
                said = str(unheard)

    def settles(self) -> None:
        """Waits until Slack shows all that it should; that takes long after much was said, as Slack takes one post a
        second."""
        behind = "SELECT count(*) FROM messages WHERE state = 'open' AND shown_revision < wanted_revision"
        fewest, deadline = math.inf, time.monotonic() + ENDURES
        while left := self.sql(behind):
            if left < fewest:
                fewest, deadline = left, time.monotonic() + ENDURES
            assert time.monotonic() < deadline, f"{left} messages are not shown"
            time.sleep(0.2)


@dataclass(frozen=True)
class Flow:
    """`prepare` is undisturbed; what it returns is handed to `play`, which ends when all is done."""

    name: str
    play: Callable[[Player, str, Any], None]
    prepare: Callable[[Player, str], Any] = lambda player, subject: None


def furnish(world: World) -> None:
    """A training pipeline of one short step, a publish pipeline of one, and a cluster that gets no machines."""
    assets = world.azure.workspace.assets
    published = assets.version("components", TRAINING, "1")
    split = assets.version("components", f"{TRAINING}_split", "1")
    assert published and split
    step = copy.deepcopy(split.properties)
    step["componentSpec"] |= {"name": STEP, "command": "true", "inputs": {}, "outputs": {}}
    assets.put("components", STEP, Version("1", step))
    short = copy.deepcopy(published.properties)
    jobs = short["componentSpec"]["jobs"]
    path = str(jobs["split"]["componentId"]).replace(f"/{TRAINING}_split/", f"/{STEP}/")
    short["componentSpec"]["jobs"] = {"register": {**jobs["register"], "componentId": path, "inputs": {}}}
    assets.put("components", TRAINING, Version("2", short))
    short_pipeline("true", branch=BRANCH)(world)
    world.azure.studio.set_capacity("gpu-small", available=False)


def _asks_for_training(player: Player, model: str, cluster: str) -> str:
    """The run's id, once Azure has its job."""
    player.does(
        lambda: player.stage.trainer.types(f"/train {model} {SMALL} {cluster}"),
        lambda: player.sql("SELECT 1 FROM training_runs WHERE model_name = :model", model=model),
    )
    player.until(
        "SELECT state NOT IN ('requested', 'submitting') FROM training_runs WHERE model_name = :m", m=model
    )
    return str(player.sql("SELECT id FROM training_runs WHERE model_name = :model", model=model))


def _train(player: Player, model: str, _: object) -> None:
    run = _asks_for_training(player, model, "gpu-cluster")
    tags = {
        model_tags.MEAN_AVERAGE_PRECISION: "0.8",
        model_tags.DATASET: SMALL,
        model_tags.PIPELINE_RUN: run,
    }
    registers_with(player.stage.world, model, tags)
    player.until("SELECT state = 'registered' FROM training_runs WHERE id = :run", run=run)


def _cancel(player: Player, model: str, _: object) -> None:
    run = _asks_for_training(player, model, "gpu-small")
    card = player.stage.line.shows(f"{model} training", ENDURES)
    player.does(
        lambda: player.stage.trainer.clicks("Cancel training", on=card.refresh()),
        lambda: player.sql("SELECT cancel_by FROM training_runs WHERE id = :run", run=run),
    )
    player.until("SELECT state = 'canceled' FROM training_runs WHERE id = :run", run=run)


def _registers(player: Player, model: str, *figures: float) -> None:
    """Until all that there are have been announced."""
    there = player.sql("SELECT count(*) FROM model_versions WHERE name = :model", model=model)
    registers(player.stage.world, model, SMALL, *figures)
    announced = "SELECT count(*) = :number FROM model_versions WHERE name = :model AND announced"
    player.until(announced, model=model, number=there + len(figures))


def _earlier_versions(player: Player, model: str) -> None:
    _registers(player, model, 0.6, 0.7)


def _announce(player: Player, model: str, _: object) -> None:
    _registers(player, model, 0.8)


def _asks_what_to_publish(player: Player, _model: str) -> Message:
    trainer, shown = player.stage.trainer, []

    def act() -> None:
        trainer.types(f"/publish {BRANCH}")
        shown.append(trainer.sees(f"from {BRANCH}\\?", timeout=10))

    player.does(act, lambda: shown)
    return shown[0]


def _publish(player: Player, _model: str, question: Message) -> None:
    newest = "SELECT id FROM publish_runs ORDER BY requested_at DESC LIMIT 1"
    before = player.sql(newest)
    player.does(
        lambda: player.stage.trainer.clicks(f"Publish {BRANCH}", on=question),
        lambda: player.sql(newest) != before,
    )
    run = player.sql(newest)
    player.until("SELECT run_id FROM publish_runs WHERE id = :run", run=run)
    build = player.sql("SELECT run_id FROM publish_runs WHERE id = :run", run=run)
    assets = player.stage.world.azure.workspace.assets
    published = assets.version("components", TRAINING, "2")
    assert published
    assets.put("components", TRAINING, Version(str(build), published.properties))
    player.until("SELECT state = 'published' FROM publish_runs WHERE id = :run", run=run)


A_MINUTE, LATE = timedelta(minutes=1), timedelta(minutes=110)
SENT = "SELECT count(*) FROM digest_firings"


def sets_a_digest(player: Player) -> None:
    """There is one for all lives, and one before them."""
    player.does(
        lambda: player.stage.outsider.types("/digest set every day at 7"),
        lambda: player.sql("SELECT 1 FROM digests"),
    )
    _digest(player, "", None)


def _news_since_the_last_digest(player: Player, model: str) -> None:
    _registers(player, model, 0.7)


def _digest(player: Player, _model: str, _: object) -> None:
    """At the minute after the last one's, the first of which was as long ago as a digest may be late."""
    before = player.sql(SENT)
    with player.stage.store().write(patience=20) as tx:
        last = tx.execute(select(func.max(digest_firings.c.due_at))).scalar()
        due = last + A_MINUTE if last else datetime.now(UTC) - LATE
        tx.execute(digests.update().values(next_at=due))
    player.until(f"SELECT ({SENT}) > :before", before=before)


FLOWS = (
    Flow("train", _train),
    Flow("cancel", _cancel),
    Flow("announce", _announce, _earlier_versions),
    Flow("publish", _publish, _asks_what_to_publish),
    Flow("digest", _digest, _news_since_the_last_digest),
)

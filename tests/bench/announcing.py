"""Announcing: from the end of a training in Azure to the post in Slack. Trainings end at random moments between two
looks, each with a channel of its own; what they would have computed is left out.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from commands.kit.policy import Pace
from infra.training.register import model_tags
from sandbox.slack.workspace import BOT_USER, Channel
from storage import runs
from tests.bench.contestants import TRAINER, Loop, wait
from tests.bench.table import Row, figure, p50, p95
from tests.bench.workshop import Workshop, workshop

TRAININGS, TRAININGS_QUICK = 30, 8
LOOKS = 4  # over which they end
USUAL = Pace().runs_seconds
QUICK, QUICK_FOR = 5.0, 130.0  # seconds, after somebody did something in Slack
PUSHED = 2.0
PATIENCE = 120.0


def measure(*, quick: bool) -> Iterator[Row]:
    count = TRAININGS_QUICK if quick else TRAININGS
    with closing(Loop()) as loop, workshop(loop) as place:
        first, second, third = (range(start * count, (start + 1) * count) for start in range(3))
        _prepare(place, first)
        began = time.monotonic()
        loop.do(place.bot.ask("slash_commands", place.bot.command("/runs")))
        yield _row("polled, while a person waits", _announced(place, first, QUICK), QUICK)
        if not quick:
            _prepare(place, second)
            time.sleep(max(0.0, began + QUICK_FOR - time.monotonic()))
            yield _row("polled", _announced(place, second, USUAL), USUAL)
        hook = place.bot.address(f"/hooks/azure?secret={place.settings['HOOKS_SECRET']}")
        place.world.azure.studio.subscribe_to_events("spotter", hook)
        _prepare(place, third)
        yield _row("pushed", _announced(place, third, QUICK), PUSHED)


def _row(how: str, seconds: list[float], bar: float) -> Row:
    told = f"p50 {figure(p50(seconds))}, p95 {figure(p95(seconds))}, max {figure(max(seconds))} s"
    return Row(f"{how}: {len(seconds)} trainings", told, f"p95 ≤ {figure(bar)} s", p95(seconds) <= bar)


def _prepare(place: Workshop, numbers: range) -> None:
    """They wait in Azure."""
    channels = {number: f"C0BENCH{number:03}" for number in numbers}
    there = place.bot.twin._slack.workspace.channels
    for name in channels.values():
        there[name] = Channel(name, name.lower(), members=[TRAINER, BOT_USER])
    place.ask_for(channels)
    place.wait_for(len(numbers))


def _announced(place: Workshop, numbers: range, interval: float) -> list[float]:
    """Seconds from each end to its announcement."""
    ids, ended = _ids(place), {}
    began = time.monotonic()
    chance = random.Random(numbers.start)  # noqa: S311  the same moments each time
    moments = sorted(chance.uniform(0, LOOKS * interval) for _ in numbers)
    for number, moment in zip(numbers, moments, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        ended[number] = time.time()
        _end(place, f"Model_{number}", ids[f"Model_{number}"])
    wait(lambda: all(_posted(place, number) for number in numbers), "all are announced", PATIENCE, every=0.2)
    return [_posted(place, number) - ended[number] for number in numbers]


def _ids(place: Workshop) -> dict[str, str]:
    with place.store.read() as tx:
        return {run.model_name: run.id for run in runs.open_runs(tx)}


def _end(place: Workshop, model: str, run_id: str) -> None:
    """As its last step and Azure do: the version is registered, and the job has ended well."""
    studio = place.world.azure.studio
    tags = {model_tags.MEAN_AVERAGE_PRECISION: "0.8", model_tags.PIPELINE_RUN: run_id}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.onnx").write_bytes(b"weights")
        studio.register_by_hand(model, Path(folder), tags=tags)
    job = studio.job(run_id)
    assert job is not None
    studio._do(lambda: job.become("Completed"))


def _posted(place: Workshop, number: int) -> float:
    """When; 0 before."""
    posts = place.bot.twin.faults.log("POST", "chat.postMessage")
    first = f"Model_{number} v1".encode()
    return next((post.at for post in posts if first in post.body), 0.0)

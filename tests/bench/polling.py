"""Polling: what one look at the open trainings asks of Azure, Azure DevOps and IoT Hub, and what it costs, by how many
trainings are open. First they wait for a node, and all that the bot does meanwhile is counted. Then they are at work,
each with three trials, and what the follower of trainings does is counted alone. A page of Azure's list holds 30 jobs.
What all followers ask in a minute is what each asks in a look, by its pace while a person waits, when nobody does, and
at night.
"""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from bot.pacer import AWAY_SECONDS, WAITS_SECONDS, pace
from commands import rooms
from commands.kit.policy import Policy
from commands.train.command import RUNS
from infra.azureml.together import READ
from sandbox.world import World
from tests.bench.contestants import CHANNEL, Contestant, Loop, wait
from tests.bench.large_plant import TRIALS
from tests.bench.large_user import LargeUser
from tests.bench.table import Row, figure
from tests.bench.workshop import PATIENCE, workshop

OPEN, OPEN_QUICK = (1, 10, 100, 1000), (1, 10)
AT_WORK, AT_WORK_QUICK, SOME = (1, 10, 100), (1, 10), 10
DEVICES, MISSED = 30, 2
MOMENTS = (0.0, WAITS_SECONDS, AWAY_SECONDS + 1)  # since somebody did something in Slack
OUTSIDE = ("Azure", "Azure DevOps", "IoT Hub")
POLICY = Path(__file__).parent / "polling.toml"
LISTED, FURTHER = r"/jobs\?", "skip="
PAGE = 30
POLLS, USUALLY_A_MINUTE = 3, 4
VARYING = re.compile(r"/model-\d+-[0-9a-z]+|[0-9a-f]{8}-[0-9a-f-]{27}")


def measure(*, quick: bool) -> Iterator[Row]:
    alone, there = 0.0, 0
    with closing(Loop()) as loop, workshop(loop, POLICY) as place:
        for number in OPEN_QUICK if quick else OPEN:
            place.ask_for(dict.fromkeys(range(there, number), CHANNEL))
            place.wait_for(number)
            there = number
            calls, spent, kinds = _polls(place.world, place.bot)
            alone = alone or calls
            minute = f"{figure(calls * USUALLY_A_MINUTE)} a minute at the usual pace"
            told = f"{figure(calls)} calls ({minute}), {spent * 1000:.0f} ms of CPU; most: {kinds}"
            pages = -(-number // PAGE)
            most = alone + 1 + 2 * (pages - 1)
            bar = f"≤ {figure(most)}" + (f": 2 a further page ({pages})" if pages > 1 else "")
            yield Row(f"one look at {number:,} trainings that wait", told, bar, calls <= most)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yield from _at_work(LargeUser(Path(folder), stack, DEVICES), quick=quick)


def _at_work(user: LargeUser, *, quick: bool) -> Iterator[Row]:
    there = 0
    yield from _a_minute("nothing open", user)
    for number in AT_WORK_QUICK if quick else AT_WORK:
        user.trains(number - there)
        there = number
        pages = -(-number // PAGE)
        for epochs, news in enumerate(
            ("without news", "each trial an epoch further", "epochs that nobody saw")
        ):
            if epochs == MISSED and number == SOME:
                yield from _a_minute(f"{SOME} trainings at work", user)
            calls, spent = _looks_at_trainings(user, epochs)
            histories = 3 * min(READ, number * TRIALS) if epochs == MISSED else 0
            most = 3 * pages + histories
            bar = f"≤ 3 a page ({pages})" + (f" and {READ} trials" if histories else "")
            told = f"{figure(calls)} calls, {spent * 1000:.0f} ms of CPU"
            yield Row(f"one look at {number:,} trainings at work, {news}", told, bar, calls <= most)


def _looks_at_trainings(user: LargeUser, epochs: int) -> tuple[float, float]:
    """Calls and seconds of CPU of one look, before each of which so many epochs pass."""
    calls, spent = 0, 0.0
    for _ in range(POLLS):
        for _ in range(epochs):
            user.plant.measures()
        asked, cpu = user.looks(RUNS)
        calls, spent = calls + sum(asked.values()), spent + cpu
    return calls / POLLS, spent / POLLS


def _a_minute(when: str, user: LargeUser) -> Iterator[Row]:
    """What all followers together ask."""
    policy = Policy()
    asked: dict[str, list[float]] = {service: [0.0] * len(MOMENTS) for service in OUTSIDE}
    spent = [0.0] * len(MOMENTS)
    for follower in (each for command in rooms.ALL for each in command.followers):
        user.looks(follower.name)  # the first one reads what the next ones compare with
        calls, cpu = user.looks(follower.name)
        for moment, away in enumerate(MOMENTS):
            looks = 60 / pace(follower, follower.every(policy), away)
            spent[moment] += cpu * looks
            for service in OUTSIDE:
                asked[service][moment] += calls[service] * looks
    told = "; ".join(f"{_three(numbers)} to {service}" for service, numbers in asked.items())
    cpu_told = _three([each * 1000 for each in spent])
    yield Row(f"a minute, {when}: a person waits, nobody, at night", f"calls: {told}; CPU {cpu_told} ms")


def _three(numbers: list[float]) -> str:
    return ", ".join(map(figure, numbers))


def _polls(world: World, bot: Contestant) -> tuple[float, float, str]:
    """Calls and seconds of CPU of one poll, over some polls, and what was asked most often."""
    since = time.time()
    wait(lambda: len(_looks(world, since)) > 0, "a poll begins", PATIENCE, every=0.2)
    spent = bot.cpu()
    wait(lambda: len(_looks(world, since)) > POLLS, "polls", PATIENCE, every=0.2)
    spent = bot.cpu() - spent
    first, *_, last = _looks(world, since)[: POLLS + 1]
    calls = [kind for at, kind in _asked(world) if first <= at < last]
    (kind, times), *_ = Counter(calls).most_common(1)
    return len(calls) / POLLS, spent / POLLS, f"{times / POLLS:.1f} × {kind}"


def _looks(world: World, since: float) -> list[float]:
    """When lists of jobs were begun."""
    listed = world.azure_faults.log("GET", LISTED)
    return [entry.at for entry in listed if entry.at >= since and FURTHER not in entry.path]


def _asked(world: World) -> list[tuple[float, str]]:
    """When and what, without what differs from run to run."""
    return [
        (
            entry.at,
            f"{entry.method} {VARYING.sub('…', entry.path.partition('?')[0]).rpartition('workspaces/')[2][-40:]}",
        )
        for faults in (world.azure_faults, world.devops_faults, world.edge_faults)
        for entry in faults.log()
    ]

"""Scale: a year of a large user: 500 people, 200 channels with a digest a day, 50 targets, 5,000 devices, 300 trainings
a day of 300 models. Spans of some hours are lived through, after a week and after each quarter: commands as
Slack sends them, every follower, courier and digests in the bot's own process, over sockets with the twins of Slack,
Azure, Azure DevOps and IoT Hub, by a clock that is moved on. The time between is rows, copied from what the first span
wrote, with other names and times. Trainings take no machine: steps, trials and figures are made up by the plant, and
nothing is shipped. Digests that are due and what the courier shows are compared by the piece; what all of them took,
which follows how many there were, stands beside it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import click

from tests.bench.large_user import (
    A_MOMENT,
    DEVICES,
    DEVICES_QUICK,
    FOLLOWER,
    MOMENT,
    SERVICES,
    UNDIVIDED,
    LargeUser,
    Span,
)
from tests.bench.table import Row, figure, p50, p95
from tests.bench.years import Years

MOMENTS, MOMENTS_QUICK = 15, 5
PASS, PASS_QUICK = (
    (7, 89, 89, 89, 89),
    (4, 8),
)  # days between two lived spans, of which the first is not compared
FLAT, NOISE = 1.3, 0.002  # seconds of CPU
SMALL = 0.006
MANY = 10  # of fewer the worst is chance


def measure(*, quick: bool) -> Iterator[Row]:
    moments = MOMENTS_QUICK if quick else MOMENTS
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder, ExitStack() as stack:
        user = LargeUser(Path(folder), stack, DEVICES_QUICK if quick else DEVICES)
        lived = [user.lives(moments, 0)]
        years = Years(user.file, user.plant, moments * MOMENT, moments * A_MOMENT)
        years.remember()
        passed = 1
        for days in PASS_QUICK if quick else PASS:
            click.echo(f"lived through {lived[-1].runs:,} trainings", err=True)
            until = passed + round(timedelta(days=days) / (moments * MOMENT))
            years.pass_by(passed, until)
            user.tidies(until * moments * MOMENT)
            lived.append(user.lives(moments, until))
            passed = until + 1
        first, last = lived[1], lived[-1]
        yield Row("trainings in the store", f"{first.runs:,}, then {last.runs:,}")
        yield from _compared(first, last)


def _compared(first: Span, last: Span) -> Iterator[Row]:
    small = {what for what in first.cpu if p95(first.cpu[what]) < SMALL and p95(last.cpu[what]) < SMALL}
    quiet = {what for what in small if what.startswith(FOLLOWER)}
    for what in [each for each in first.cpu if each not in quiet]:
        yield _cpu(what, first.cpu[what], last.cpu[what], has_bar=what not in UNDIVIDED)
    together = [
        [sum(step) for step in zip(*(span.cpu[what] for what in sorted(quiet)), strict=False)]
        for span in (first, last)
    ]
    yield _cpu(f"{FOLLOWER}the other {len(quiet)}, together", *together)
    for service in SERVICES:
        before, after = first.calls[service] / first.asked, last.calls[service] / last.asked
        told = f"{before:.1f}, then {after:.1f}"
        yield Row(f"calls to {service}, a training", told, f"≤ {FLAT}×", after <= before * FLAT)
    told = f"{first.memory:.0f}, then {last.memory:.0f} MB"
    yield Row("resident memory of the bot", told, f"≤ {FLAT}×", last.memory <= first.memory * FLAT)
    before, after = first.grown / first.asked / 1000, last.grown / last.asked / 1000
    told = f"{figure(before)}, then {figure(after)} kB; {last.size / 1e6:,.0f} MB in all"
    yield Row(
        "the store, a training, with pictures of its first days", told, f"≤ {FLAT}×", after <= before * FLAT
    )


def _cpu(what: str, before: list[float], after: list[float], *, has_bar: bool = True) -> Row:
    """What it takes as a rule, and at worst, in milliseconds; the worst counts where it was measured often."""
    told = [f"{figure(of(times) * 1000)}" for times in (before, after) for of in (p50, p95)]
    counts = (p50, p95) if len(before) >= MANY else (p50,)
    ok = all(of(after) <= max(of(before) * FLAT, of(before) + NOISE) for of in counts)
    name, took = f"{what}: CPU, p50 and p95", f"{told[0]}, {told[1]}, then {told[2]}, {told[3]} ms"
    return Row(name, took, f"≤ {FLAT}×", ok) if has_bar else Row(name, took)

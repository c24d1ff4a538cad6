"""What a training will probably take and cost: as long as those like it took, from the request to the registered model.

Like it are those on machines of the same size, with as many trials and half to twice as many pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Connection

from commands.exports import readiness
from commands.kit.policy import Policy
from commands.kit.words import count, duration, money, when
from storage import catalog, runs
from storage.runs import Past

LOOKED_AT = 60
TIMES_MORE = 2
ENOUGH_FOR_USUAL = 5
UNKNOWN = "No earlier run to compare with, so how long it takes is not known yet."


@dataclass(frozen=True)
class Size:
    """What the duration of a training depends on; None for what is not known."""

    vm_size: str | None
    max_trials: int
    images: int | None


@dataclass(frozen=True)
class Estimate:
    """Seconds that `runs` trainings took: the shortest, the median, the 90th percentile, the longest. `cost` is the
    median of what their nodes' time costs today, None without a price."""

    runs: int
    shortest: float
    usual: float
    slow: float
    longest: float
    cost: float | None
    currency: str

    def record(self) -> dict[str, Any]:
        return asdict(self)


def recorded(kept: Mapping[str, Any] | None) -> Estimate | None:
    """The estimate that a run's record keeps."""
    return Estimate(**kept) if kept else None


def size_of(tx: Connection, dataset: str, cluster: str, policy: Policy) -> Size:
    export = catalog.get_export(tx, dataset)
    counted = readiness.counted(export) if export else None
    row = next((row for row in catalog.list_clusters(tx) if row.name == cluster), None)
    vm_size = str(row.facts.get("vm_size") or "").lower() if row else ""
    return Size(vm_size or None, policy.training.max_trials, counted.images if counted else None)


def expect(tx: Connection, size: Size, policy: Policy) -> Estimate | None:
    """None where no training like it has registered a model yet."""
    if size.vm_size is None or size.images is None:
        return None
    past = runs.registered_like(tx, size.vm_size, size.max_trials, LOOKED_AT)
    like = [each for each in past if _is_like(each, size.images)]
    if not like:
        return None
    took = sorted(each.took.total_seconds() for each in like)
    slow = quantiles(took, n=10, method="inclusive")[8] if len(took) > 1 else took[0]
    return Estimate(
        runs=len(like),
        shortest=took[0],
        usual=median(took),
        slow=slow,
        longest=took[-1],
        cost=_cost(like, policy.prices.of(size.vm_size)),
        currency=policy.prices.currency,
    )


def cost_of(node_seconds: int | None, vm_size: str | None, policy: Policy) -> float | None:
    """What nodes of this size cost for so long; None where either is not known, or has no price."""
    price = policy.prices.of(vm_size) if vm_size else None
    return None if price is None or node_seconds is None else node_seconds / 3600 * price


def words(expected: Estimate | None) -> str:
    """ "Usually 42 min, 9 of 10 within 1 h 10 min; about €1.90. From 12 runs like it." """
    if expected is None:
        return UNKNOWN
    cost = f"; about {money(expected.cost, expected.currency)}" if expected.cost is not None else ""
    if expected.runs == 1:
        return f"The only run like it took {_time(expected.usual)}{cost}."
    if expected.runs < ENOUGH_FOR_USUAL:
        span = f"{_time(expected.shortest)} to {_time(expected.longest)}"
        return f"The {expected.runs} runs like it took {span}{cost}."
    told = f"Usually {_time(expected.usual)}, 9 of 10 within {_time(expected.slow)}{cost}."
    return f"{told} From {count(expected.runs, 'run')} like it."


def due(expected: Estimate | None, asked_at: datetime, now: datetime) -> str:
    """When a training that is under way is usually done, in mrkdwn; empty where that is not known."""
    if expected is None or expected.runs < ENOUGH_FOR_USUAL:
        return ""
    if now > asked_at + timedelta(seconds=expected.slow):
        return "It takes longer than 9 of 10 runs like it."
    done = asked_at + timedelta(seconds=expected.usual)
    return f"Usually done {when(done)}." if now < done else "It takes longer than usual."


def beside_actual(expected: Estimate | None, took: timedelta, cost: float | None, currency: str) -> str:
    """ "40 min (42 min expected), about €1.75 (€1.90 expected)" """
    told = duration(took)
    if expected:
        told += f" ({_time(expected.usual)} expected)"
    if cost is None:
        return told
    told += f", about {money(cost, currency)}"
    if expected and expected.cost is not None and expected.currency == currency:
        told += f" ({money(expected.cost, currency)} expected)"
    return told


def _is_like(past: Past, images: int) -> bool:
    return past.images is not None and images / TIMES_MORE <= past.images <= images * TIMES_MORE


def _cost(like: Sequence[Past], price: float | None) -> float | None:
    known = [each.node_seconds for each in like if each.node_seconds is not None]
    return None if price is None or not known else median(known) / 3600 * price


def _time(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))

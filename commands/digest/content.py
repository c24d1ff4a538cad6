"""What a digest has to tell, from the store alone: what needs someone first, then what runs, ended, and runs where."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from commands.digest import lines, models
from commands.digest.lines import FAILED, Ended, Line, Moving, Running, news
from commands.kit.policy import Policy
from commands.kit.words import money
from commands.models import where
from storage import catalog, deployments, devices, labels, publishes, runs
from storage.deployments import Deployment
from storage.publishes import PublishRun
from storage.runs import EndedRun, OpenRun

MOST, TOLD = 100, 23  # of a kind
FRUITFUL = ("shipped", "registered", "published", "exported", "prepared")
STUCK_AFTER = timedelta(minutes=30)  # a node from nothing takes ten


@dataclass(frozen=True)
class Content:
    """`since` is when the channel was told last; `cost` is in words, empty where no price or time is known. Where more
    than a hundred of a kind have ended, only the last hundred are in here, and `has_all` is False. Of what runs and has
    ended, only the first 23 have words: nobody is shown more."""

    since: datetime
    now: datetime
    needs: list[Line] = field(default_factory=list)
    running: list[Line] = field(default_factory=list)
    ended: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    cost: str = ""
    has_all: bool = True

    @property
    def is_calm(self) -> bool:
        return not (self.needs or self.running or self.ended)

    @property
    def has_news(self) -> bool:
        return any(line.is_news for line in (*self.needs, *self.ended))

    @property
    def fingerprint(self) -> str:
        """Of what lasts: the same as long as nothing of it has changed."""
        parts = (self.needs, self.running, self.lines)
        lasting = [sorted(line.key for line in part if not line.is_news) for part in parts]
        return hashlib.sha256(json.dumps(lasting).encode()).hexdigest()


def gather(tx: Connection, since: datetime, now: datetime, policy: Policy, told: int = TOLD) -> Content:
    """What there is to tell of the time since `since`; `told` is of how many that run or have ended there are words."""
    over, moving = _over(tx, since), _open(tx)
    new = catalog.registered_since(tx, since, MOST)
    shares = devices.shares(tx)
    bad, there = _went_wrong(tx, over), models.on_the_lines(tx, shares, policy)
    figures = catalog.metric_of_runs(tx, [each.id for each in over[:told] if isinstance(each, EndedRun)])
    stuck = [each for each in moving if _is_stuck(each, now)]
    needed = {each.id for each in (*bad, *stuck)}
    needs = [
        *(lines.unanswered(asked, now) for asked in deployments.waiting_for_approval(tx)),
        *map(lines.failed, bad),
        *(lines.stuck(each, now) for each in stuck),
        *(Line(key, text) for key, text in models.below_their_gates(tx, there, policy)),
        *(news(key, text) for key, text in models.worse_than_before(tx, there, new, policy)),
        *map(lines.overridden, deployments.overrides_since(tx, since)),
    ]
    return Content(
        since,
        now,
        needs,
        _running(tx, [each for each in moving if each.id not in needed], now, told),
        [
            *(lines.ended(each, figures) for each in over if each.id not in needed),
            *(lines.by_hand(row) for row in new if row.run_id is None),
        ],
        [Line(text, text) for text in where.told(shares).values()],
        _cost(over, policy),
        max(Counter(map(type, over)).values(), default=0) < MOST,
    )


def _over(tx: Connection, since: datetime) -> list[Ended]:
    """What has ended: what came of something first."""
    found: list[Ended] = [
        *deployments.ended_since(tx, since, MOST),
        *runs.ended_since(tx, since, MOST),
        *publishes.ended_since(tx, since, MOST),
        *labels.exports_ended_since(tx, since, MOST),
        *labels.preparations_ended_since(tx, since, MOST),
    ]
    return sorted(found, key=lambda each: each.state not in FRUITFUL)


def _open(tx: Connection) -> list[Moving]:
    return [
        *runs.held_up(tx),
        *publishes.open_runs(tx),
        *deployments.in_states(tx, deployments.MOVING, evidence=False),
    ]


def _running(tx: Connection, moving: Sequence[Moving], now: datetime, told: int) -> list[Line]:
    """Trainings first; how far one has come is read for those that are told."""
    training = [each for each in moving if isinstance(each, OpenRun)]
    others: list[Running] = [each for each in moving if not isinstance(each, OpenRun)]
    others += [*labels.open_exports(tx), *labels.open_preparations(tx)]
    return [
        *(lines.running(each, now) for each in runs.these(tx, training[:told])),
        *(Line(each.id) for each in training[told:]),
        *(lines.running(each, now) for each in others),
    ]


def _cost(over: Sequence[Ended], policy: Policy) -> str:
    """What the trainings among them have cost, as far as prices are set and Azure told how long nodes worked."""
    known = [
        run.node_seconds / 3600 * price
        for run in over
        if isinstance(run, EndedRun) and run.node_seconds and run.vm_size
        if (price := policy.prices.of(run.vm_size)) is not None
    ]
    return money(sum(known), policy.prices.currency) if known else ""


def _went_wrong(tx: Connection, over: Sequence[Ended]) -> list[Ended]:
    """What failed, and nobody has tried again; a rollout that a person took back is known to them."""
    failed = [each for each in over if each.state in FAILED or _was_taken_back(each)]
    trainings = [run for run in failed if isinstance(run, EndedRun)]
    since = min((run.requested_at for run in trainings), default=None)
    again = runs.asked_last(tx, {run.model_name for run in trainings}, since) if since else {}
    published = max((run.requested_at for run in over if run.state == "published"), default=None)

    def is_dealt_with(each: Ended) -> bool:
        if isinstance(each, EndedRun):
            return again.get(each.model_name, each.requested_at) > each.requested_at
        return isinstance(each, PublishRun) and published is not None and published > each.requested_at

    return [each for each in failed if not is_dealt_with(each)]


def _was_taken_back(each: Ended) -> bool:
    """By Spotter itself."""
    return (
        isinstance(each, Deployment) and each.state == "rolled_back" and each.rollback_by in (None, "spotter")
    )


def _is_stuck(each: Moving, now: datetime) -> bool:
    if each.trouble or isinstance(each, Deployment):
        return bool(each.trouble)
    waiting = each.waiting or {}
    if waiting.get("kind") in ("permission", "approval"):
        return True
    return bool(waiting.get("sentence")) and now - each.requested_at > STUCK_AFTER

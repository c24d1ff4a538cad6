"""The layered automatic deployments that the edge pipeline makes: what they ship, where, and the hub's own counts."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.http.errors import AzureError, NotFound, Refused, Unclear
from infra.http.fields import mapping, moment, text, texts, whole
from infra.iothub.connection import Connection

MODULE = "detector"
KEY = "spotter"
"""The label that all rings of one request share; a deployment without it is not ours."""
ALL = "all"
MOST = 100
TRIES = 4
CHANGED_MEANWHILE = 412

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counts:
    """The hub's own metrics, which lag by minutes; None where it has not counted yet."""

    targeted: int | None = None
    applied: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    model_ok: int | None = None


@dataclass(frozen=True)
class Deployment:
    """`key` is the request's, shared by its rings; `image` is by digest; `etag` changes with every change."""

    id: str
    key: str
    model: str
    version: str
    target: str
    ring: str
    image: str
    condition: str
    priority: int
    etag: str
    created_at: datetime | None
    counts: Counts


def all_of_ours(connection: Connection) -> list[Deployment]:
    """Those that a shipment made, the highest priority first."""
    told = connection.rows("configurations", top=MOST)
    found = [_deployment(each) for each in told if text(each, "labels", KEY)]
    return sorted(found, key=lambda each: each.priority, reverse=True)


def one(connection: Connection, deployment_id: str) -> Deployment | None:
    try:
        return _deployment(connection.get("configurations", deployment_id))
    except NotFound:
        return None


def withdraw(connection: Connection, deployment_id: str) -> None:
    """Deletes a deployment, so that the one below it applies again; gone is done, however often it is asked.

    Deletes only what was looked at. Raises Refused for one that no shipment made, Unclear where it may still be there.
    """
    fault: AzureError | None = None
    for _ in range(TRIES):
        found = one(connection, deployment_id)
        if found is None:
            return
        if not found.key:
            raise Refused(f"The deployment {deployment_id} was not made by Spotter, so it is left alone.")
        try:
            connection.delete("configurations", deployment_id, etag=found.etag)
        except NotFound:
            return
        except Unclear as unclear:
            fault = unclear
        except Refused as refused:
            if refused.status != CHANGED_MEANWHILE:
                raise
            fault = refused
        else:
            return
        log.info("The deployment %s may still be there: %s", deployment_id, fault)
    raise Unclear(f"The deployment {deployment_id} may still be there: {fault}") from fault


def of_request(deployments: Iterable[Deployment], key: str) -> list[Deployment]:
    """All rings of a request."""
    return [each for each in deployments if each.key == key]


def below(deployments: Iterable[Deployment], one: Deployment) -> Deployment | None:
    """What the same devices are told when `one` and its request's other rings are gone; None if there is nothing.

    Then they would keep what runs, or run no model at all.
    """
    candidates = [
        each
        for each in deployments
        if each.target == one.target
        and each.key != one.key
        and each.ring in (ALL, one.ring)
        and each.priority < one.priority
    ]
    return max(candidates, key=lambda each: each.priority, default=None)


def superseded(deployments: Iterable[Deployment], one: Deployment) -> list[Deployment]:
    """What is of no more use when `one`, of ring `all`, has succeeded: its canary, and all below what it replaced.

    A hub takes a hundred deployments, and what was replaced must stay for the way back.
    """
    known = list(deployments)
    kept = below(known, one)
    canaries = [each for each in of_request(known, one.key) if each.ring != ALL]
    older = [
        each
        for each in known
        if kept
        and each.target == one.target
        and each.id != kept.id
        and each.priority < one.priority
        and each.key != one.key
    ]
    return [*canaries, *older] if one.ring == ALL else []


def _deployment(told: Any) -> Deployment:
    labels = texts(told, "labels")
    agent = mapping(told, "content", "modulesContent", "$edgeAgent")
    module = agent.get(f"properties.desired.modules.{MODULE}")
    system, own = mapping(told, "systemMetrics", "results"), mapping(told, "metrics", "results")
    return Deployment(
        id=text(told, "id"),
        key=labels.get(KEY, ""),
        model=labels.get("model", ""),
        version=labels.get("version", ""),
        target=labels.get("target", ""),
        ring=labels.get("ring", ""),
        image=text(module, "settings", "image"),
        condition=text(told, "targetCondition"),
        priority=whole(told, "priority") or 0,
        etag=text(told, "etag"),
        created_at=moment(told, "createdTimeUtc"),
        counts=Counts(
            targeted=whole(system, "targetedCount"),
            applied=whole(system, "appliedCount"),
            succeeded=whole(system, "reportedSuccessfulCount"),
            failed=whole(system, "reportedFailedCount"),
            model_ok=whole(own, "modelOk"),
        ),
    )

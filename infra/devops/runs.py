"""Runs of a pipeline: queued once each, found again, listed together, canceled."""

import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote

from infra.devops.connection import Connection
from infra.devops.pipelines import Pipeline, as_text
from infra.devops.repositories import HEADS, plain, ref
from infra.http.errors import AzureError, NotFound, Refused, Unavailable, Unclear
from infra.http.fields import mapping, moment, sequence, text, texts, whole

CORRELATION = "correlationId"
GRACE_SECONDS = 3.0
CLOCKS_DIFFER_AT_MOST = timedelta(minutes=15)
PAGE = 100
LOOKED_THROUGH = 500
# What Azure DevOps would read as a variable, an expression or a command to its agent, and what ends a line.
_NO_VALUE = re.compile(r"[\x00-\x1f\x7f]|\$[({\[]|##")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A run as DevOps shows it.

    `status` is DevOps's word: notStarted, inProgress, cancelling, postponed or completed; `result` is empty until the
    end, then succeeded, partiallySucceeded, failed or canceled. `branch` is a plain name. `parameters` is None where
    they were not told; `problems` is what was wrong with the pipeline's file or the request.
    """

    id: int
    name: str
    pipeline_id: int
    status: str
    result: str
    branch: str
    commit: str
    reason: str
    requested_by: str
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    web_url: str
    parameters: Mapping[str, str] | None = None
    problems: tuple[str, ...] = ()

    @property
    def has_ended(self) -> bool:
        return self.status == "completed"

    @property
    def correlation_id(self) -> str:
        return (self.parameters or {}).get(CORRELATION, "")


class ParametersDropped(AzureError):
    """The run is there, but without the parameters in `names`: it will not do what was asked for."""

    def __init__(self, run: Run, names: tuple[str, ...]) -> None:
        super().__init__(f"Azure DevOps started run {run.name} without the parameters {', '.join(names)}.")
        self.run = run
        self.names = names


def queue(
    connection: Connection,
    pipeline: Pipeline,
    branch: str,
    parameters: Mapping[str, object],
    correlation_id: str,
) -> Run:
    """Starts a run, sending the request once, with `correlation_id` among its parameters.

    Raises Refused, Denied or NotFound where a person must act, Throttled where nothing was started,
    ParametersDropped where the run lacks some of them, and Unclear where it is not known whether there is a run: then
    `find` it, and queue again only if it does not show up.
    """
    wanted = {name: as_text(given) for name, given in parameters.items()} | {CORRELATION: correlation_id}
    for name, given in wanted.items():
        if _NO_VALUE.search(given):
            raise Refused(f"No run is given such a value of {name}: {given[:80]!r}.", status=400)
    body = {
        "resources": {"repositories": {"self": {"refName": ref(branch)}}},
        "templateParameters": wanted,
        "variables": {},
    }
    asked_at = datetime.now(UTC)
    try:
        told = connection.change("POST", connection.project("pipelines", pipeline.id, "runs"), body)
        run_id = whole(told, "id")
        if run_id is None:
            raise Unclear("Azure DevOps answered without the number of a run.")
        run = _read_back(connection, pipeline, run_id, told)
    except Unclear as fault:
        run = _look(connection, pipeline, correlation_id, asked_at, fault)
    if run.parameters is not None and (missing := _missing(run.parameters, wanted)):
        raise ParametersDropped(run, missing)
    return run


def find(connection: Connection, pipeline: Pipeline, correlation_id: str, since: datetime) -> Run | None:
    """The run with this correlation id among those queued after `since`, give or take what clocks differ.

    None is sure: raises Unavailable where a run is listed that cannot be looked into.
    """
    earliest = since - CLOCKS_DIFFER_AT_MOST
    query: dict[str, str | int] = {
        "definitions": pipeline.id,
        "queryOrder": "queueTimeDescending",
        "$top": PAGE,
    }
    builds = connection.pages(connection.project("build", "builds"), query)
    # The time is compared here and not by DevOps, so that a page is looked through even where clocks differ more.
    for position, told in enumerate(islice(builds, LOOKED_THROUGH)):
        run = run_from(connection, told)
        is_recent = run.queued_at is None or run.queued_at >= earliest
        if not is_recent and position >= PAGE:
            return None
        if run.parameters is None and is_recent:
            run = _looked_into(connection, run)
        if run.correlation_id == correlation_id:
            return run
    return None


def recent(connection: Connection, pipeline: Pipeline, after: datetime) -> list[Run]:
    """Runs queued after a moment, newest first, in one call; at most a hundred."""
    query: dict[str, str | int] = {
        "definitions": pipeline.id,
        "minTime": after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "queryOrder": "queueTimeDescending",
        "$top": PAGE,
    }
    told = connection.get(connection.project("build", "builds"), query)
    found = [run_from(connection, each) for each in sequence(told, "value")]
    return [run for run in found if run.id]


def by_id(connection: Connection, run_ids: Iterable[int]) -> dict[int, Run]:
    """Runs by number, up to a hundred to a call, without their parameters. Those that are not there are left out."""
    wanted, found = sorted(run_ids), []
    for start in range(0, len(wanted), PAGE):
        part = ",".join(map(str, wanted[start : start + PAGE]))
        told = connection.get(connection.project("build", "builds"), {"buildIds": part, "$top": PAGE})
        found += [run_from(connection, each) for each in sequence(told, "value")]
    return {run.id: run for run in found if run.id}


def has_succeeded(connection: Connection, pipeline: Pipeline) -> bool:
    """Whether any run of the pipeline ever has."""
    query: dict[str, str | int] = {"definitions": pipeline.id, "resultFilter": "succeeded", "$top": 1}
    return bool(sequence(connection.get(connection.project("build", "builds"), query), "value"))


def one(connection: Connection, run_id: int) -> Run:
    """Raises NotFound."""
    return run_from(connection, connection.get(connection.project("build", "builds", run_id)), run_id)


def with_parameters(connection: Connection, run: Run) -> Run:
    """The run with its parameters, read from where they are always told. An empty mapping is: it has none."""
    if run.parameters is not None:
        return run
    told = connection.get(connection.project("pipelines", run.pipeline_id, "runs", run.id))
    return replace(run, parameters=texts(told, "templateParameters"))


def cancel(connection: Connection, run_id: int) -> None:
    """Asks DevOps to stop a run; its status tells when that is done. Raises Refused where it has ended, Unclear."""
    connection.change("PATCH", connection.project("build", "builds", run_id), {"status": "cancelling"})


def run_from(connection: Connection, told: Any, run_id: int = 0) -> Run:
    """From a build, the form of a run that tells most."""
    run_id = whole(told, "id") or run_id
    findings = [text(finding, "message") for finding in sequence(told, "validationResults")]
    result = text(told, "result")
    return Run(
        id=run_id,
        name=text(told, "buildNumber") or str(run_id),
        pipeline_id=whole(told, "definition", "id") or 0,
        status=text(told, "status") or "notStarted",
        result="" if result == "none" else result,
        branch=plain(text(told, "sourceBranch")),
        commit=text(told, "sourceVersion"),
        reason=text(told, "reason"),
        requested_by=text(told, "requestedFor", "displayName"),
        queued_at=moment(told, "queueTime"),
        started_at=moment(told, "startTime"),
        finished_at=moment(told, "finishTime"),
        web_url=text(told, "_links", "web", "href") or _page(connection, run_id),
        parameters=texts(told, "templateParameters") if mapping(told, "templateParameters") else None,
        problems=tuple(finding for finding in findings if finding),
    )


def _looked_into(connection: Connection, run: Run) -> Run:
    try:
        return with_parameters(connection, run)
    except NotFound as fault:
        raise Unavailable(f"Run {run.name} is listed, but cannot be read: {fault.message}") from fault


def _read_back(connection: Connection, pipeline: Pipeline, run_id: int, told: Any) -> Run:
    """The run that was just made; as far as the answer itself tells where it cannot be read."""
    try:
        return with_parameters(connection, one(connection, run_id))
    except AzureError as fault:
        log.info("Run %s was queued but cannot be read yet: %s", run_id, fault)
    about = mapping(told, "resources", "repositories", "self")
    return Run(
        id=run_id,
        name=text(told, "name") or str(run_id),
        pipeline_id=pipeline.id,
        status="inProgress",
        result="",
        branch=text(about, "refName").removeprefix(HEADS),
        commit=text(about, "version"),
        reason="manual",
        requested_by="",
        queued_at=moment(told, "createdDate"),
        started_at=None,
        finished_at=None,
        web_url=text(told, "_links", "web", "href") or _page(connection, run_id),
        parameters=texts(told, "templateParameters") or None,
    )


def _look(
    connection: Connection, pipeline: Pipeline, correlation_id: str, asked_at: datetime, fault: Unclear
) -> Run:
    """The run that an unclear request has made, looked for at once and after a short grace. Else raises `fault`."""
    for pause in (0.0, GRACE_SECONDS):
        time.sleep(pause)
        try:
            found = find(connection, pipeline, correlation_id, asked_at)
        except AzureError as blind:
            raise Unclear(f"{fault.message} Looking for it failed too: {blind.message}") from fault
        if found is not None:
            return found
    raise fault


def _missing(told: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[str, ...]:
    # DevOps gives booleans back in its own spelling, such as True.
    return tuple(name for name, given in wanted.items() if told.get(name, "").lower() != given.lower())


def _page(connection: Connection, run_id: int) -> str:
    at = connection.place
    return f"{at.organization.rstrip('/')}/{quote(at.project)}/_build/results?buildId={run_id}&view=results"

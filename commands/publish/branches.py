"""What can be published: the pipeline and the branches of its repository, read ahead so that nobody waits for them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import Connection

from commands.kit.choosing import narrowed
from commands.kit.command import Option
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import listing
from infra.devops.pipelines import AZURE_REPOS, Pipeline
from infra.devops.project import Project
from infra.devops.repositories import Branch
from infra.http.errors import NotFound
from storage import marks, publishes
from storage.publishes import BranchRow

BRANCHES, PUBLISHES = "branches", "publish runs"
BRANCH = "branch"
PIPELINE = "publish.pipeline"
MISSING = "missing"
COMMITS_AT_ONCE = 20
LONGEST_NAME = 255
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def branches_newest_first(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over branches, the usual one first; the note tells the last commit."""
    return narrowed(services, typed, _newest_first)


def _newest_first(tx: Connection, services: Services, containing: str) -> list[Option]:
    usual = services.policy.pipelines.branch
    fitting = [row for row in publishes.list_branches(tx) if containing in row.name.lower()]
    fitting.sort(key=lambda row: row.commit_at or _LONG_AGO, reverse=True)
    fitting.sort(key=lambda row: row.name != usual)
    return [
        Option(row.name, row.name, f"{row.commit_id[:7]} {row.commit_title or ''}".strip()) for row in fitting
    ]


def known_pipeline(tx: Connection, services: Services) -> Pipeline | None:
    """The pipeline as it was read last; None where it is missing or was not read yet."""
    told = marks.get(tx, _mark(services))
    return None if told is None or told.startswith(MISSING) else Pipeline(**json.loads(told))


def must_be_publishable(branch: str, services: Services) -> BranchRow | None:
    """The branch, or None where its repository cannot be read from Azure DevOps. Raises UserError."""
    if services.devops is None:
        raise UserError(
            "Spotter is not connected to Azure DevOps, so it cannot run the pipeline that publishes.",
            "Whoever runs Spotter sets AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT.",
        )
    with services.store.read() as tx:
        told = marks.get(tx, _mark(services))
        pipeline = known_pipeline(tx, services)
        rows = publishes.list_branches(tx)
    if told is None:
        raise UserError(
            "Spotter has not read the pipeline and its branches from Azure DevOps yet.",
            "Try again in a minute; /spotter tells how things stand.",
        )
    if pipeline is None:
        name = services.policy.pipelines.publish
        raise UserError(
            f"Azure DevOps has no pipeline called {name}.",
            "Whoever runs Spotter makes it with spotter provision apply, or names another in spotter.toml.",
        )
    if not _is_readable(pipeline):
        return None
    row = next((row for row in rows if row.name == branch), None)
    if row is None:
        instead = (
            f"Choose one of: {listing([row.name for row in rows])}." if rows else "It has no branch yet."
        )
        raise UserError(f"There is no branch called “{branch[:80]}”.", instead, field=BRANCH)
    return row


def follow_branches(services: Services) -> None:
    """Three list calls, and one for each branch with a new commit."""
    devops = services.devops
    if devops is None:
        return
    try:
        pipeline = devops.pipeline(services.policy.pipelines.publish)
    except NotFound as missing:
        _keep(services, f"{MISSING}: {missing.message}", [])
        return
    rows: list[BranchRow] = []
    if _is_readable(pipeline):
        with services.store.read() as tx:
            known = {row.name: row for row in publishes.list_branches(tx)}
        there = [
            each
            for each in devops.branches(pipeline.repository_id)
            if each.commit and len(each.name) <= LONGEST_NAME
        ]
        rows = _with_commits(there, known, pipeline, devops, services)
    _keep(services, json.dumps(asdict(pipeline)), rows)


def _with_commits(
    there: list[Branch],
    known: Mapping[str, BranchRow],
    pipeline: Pipeline,
    devops: Project,
    services: Services,
) -> list[BranchRow]:
    """Each branch with its last commit, read where it is new: some of them now, the others at the next looks."""
    now, usual = services.clock.now(), services.policy.pipelines.branch
    rows = {each.name: BranchRow(each.name, each.commit, now) for each in there}
    unread: list[str] = []
    for each in there:
        before = known.get(each.name)
        if before and before.commit_id == each.commit and before.commit_title is not None:
            rows[each.name] = before
        else:
            unread.append(each.name)
    for name in sorted(unread, key=lambda name: name != usual)[:COMMITS_AT_ONCE]:
        try:
            commit = devops.last_commit(pipeline.repository_id, name)
        except NotFound:  # deleted in between
            del rows[name]
            continue
        rows[name] = BranchRow(name, commit.id, now, commit.title, commit.author, commit.at, commit.web_url)
    return list(rows.values())


def _keep(services: Services, pipeline: str, rows: list[BranchRow]) -> None:
    """Writes only what has changed, for a write keeps others waiting."""
    with services.store.read() as tx:
        is_news = marks.get(tx, _mark(services)) != pipeline
        known = publishes.list_branches(tx)
    if not is_news and {row.name: row for row in known} == {row.name: row for row in rows}:
        return
    with services.store.write() as tx:
        publishes.put_branches(tx, rows)
        marks.put(tx, _mark(services), pipeline, services.clock.now())
    if is_news:
        services.wake(PUBLISHES)


def _is_readable(pipeline: Pipeline) -> bool:
    return pipeline.repository_kind.lower() == AZURE_REPOS.lower()


def _mark(services: Services) -> str:
    return f"{PIPELINE}:{services.policy.pipelines.publish}"

"""Branches, commits and files of Azure Repos."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.devops.connection import Connection
from infra.http.errors import NotFound, Refused
from infra.http.fields import mapping, moment, sequence, text

HEADS = "refs/heads/"
# As git-check-ref-format has it: no control characters, spaces or ~^:?*[\, no .. or @{, no .part and no part.lock
_NOT_A_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|^-|(^|/)\.|\.$|\.lock(/|$)|^@$|^$")


@dataclass(frozen=True)
class Repository:
    """`default_branch` is a plain name, empty for a repository without commits."""

    id: str
    name: str
    default_branch: str
    web_url: str


@dataclass(frozen=True)
class Branch:
    """`name` is plain, without refs/heads/."""

    name: str
    commit: str


@dataclass(frozen=True)
class Commit:
    """`title` is the first line of the message."""

    id: str
    title: str
    author: str
    at: datetime | None
    web_url: str


def repository(connection: Connection, name: str) -> Repository:
    """A repository by name or id. Raises NotFound."""
    told = connection.get(connection.project("git", "repositories", name))
    return Repository(
        id=text(told, "id"),
        name=text(told, "name") or name,
        default_branch=plain(text(told, "defaultBranch")),
        web_url=text(told, "webUrl"),
    )


def branches(connection: Connection, repository_id: str, containing: str = "") -> list[Branch]:
    """Branches whose name contains some letters, whatever their case, in the order of their names."""
    refs = connection.pages(
        connection.project("git", "repositories", repository_id, "refs"), {"filter": "heads/"}
    )
    found = [Branch(plain(text(told, "name")), text(told, "objectId")) for told in refs]
    return sorted((each for each in found if containing.lower() in each.name.lower()), key=lambda b: b.name)


def last_commit(connection: Connection, repository_id: str, branch: str) -> Commit:
    """Raises NotFound where there is no such branch, or nothing on it."""
    query: dict[str, str | int] = {
        "searchCriteria.itemVersion.version": plain(ref(branch)),
        "searchCriteria.itemVersion.versionType": "branch",
        "searchCriteria.$top": 1,
    }
    told = connection.get(connection.project("git", "repositories", repository_id, "commits"), query)
    newest = next(iter(sequence(told, "value")), None)
    if newest is None:
        raise NotFound(f"There is no commit on {branch}.", status=404)
    return Commit(
        id=text(newest, "commitId"),
        title=next(iter(text(newest, "comment").splitlines()), ""),
        author=text(newest, "author", "name"),
        at=moment(newest, "author", "date"),
        web_url=text(newest, "remoteUrl"),
    )


def file(connection: Connection, repository_id: str, path: str, branch: str) -> str:
    """The text of a file. Raises NotFound where branch or file is not there."""
    query = {
        "path": "/" + path.lstrip("/"),
        "versionDescriptor.version": plain(ref(branch)),
        "versionDescriptor.versionType": "branch",
        "includeContent": "true",
        "$format": "json",
    }
    told: Any = connection.get(connection.project("git", "repositories", repository_id, "items"), query)
    content = mapping(told).get("content")
    if not isinstance(content, str):
        raise NotFound(f"There is no file {path} on {branch}.", status=404)
    return content.removeprefix("\ufeff")


def ref(branch: str) -> str:
    """The full name of a branch. Raises Refused for what git would not take as one."""
    name = plain(branch)
    if _NOT_A_BRANCH.search(name):
        raise Refused(f"{branch!r} is not the name of a branch.")
    return HEADS + name


def plain(branch: str) -> str:
    return branch.removeprefix(HEADS)

"""The repository: branches, commits, files."""

from typing import Any

from aiohttp import web

from sandbox.azure.times import arm_time
from sandbox.devops.errors import devops_error, not_found
from sandbox.devops.organisation import PROJECT, Organisation
from sandbox.devops.repository import Commit, full_ref
from sandbox.devops.resources import Call, Resource, collection, paged


class GitApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._repository = organisation.repository

    def resources(self) -> list[Resource]:
        one = "{project}/_apis/git/repositories/{repositoryId}"
        return [
            Resource(
                "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
                "git",
                "repositories",
                one,
                {"GET": self._repositories},
            ),
            Resource(
                "2d874a60-a811-4f62-9c9f-963a6ea0a55b",
                "git",
                "refs",
                f"{one}/refs/{{*filter}}",
                {"GET": self._refs},
            ),
            Resource(
                "c2570c3b-5b3f-41b8-98bf-5407bfde8d58",
                "git",
                "commits",
                f"{one}/commits/{{commitId}}",
                {"GET": self._commits},
            ),
            Resource(
                "fb93c0db-47ed-4a31-8c20-47552878fb44",
                "git",
                "items",
                f"{one}/items/{{*path}}",
                {"GET": self._items},
            ),
        ]

    def _check(self, call: Call) -> None:
        given = call.values["repositoryId"]
        if given.lower() not in (self._repository.id, self._repository.name.lower()):
            message = (
                f"TF401019: The Git repository with name or identifier {given} does not exist or you do not have "
                "permissions for the operation you are attempting."
            )
            raise not_found("GitRepositoryNotFoundException", message)

    @property
    def _url(self) -> str:
        return f"{self._organisation.project_url}/_apis/git/repositories/{self._repository.id}"

    async def _repositories(self, call: Call) -> web.Response:
        name = self._repository.name
        view = {
            "id": self._repository.id,
            "name": name,
            "url": self._url,
            "project": self._organisation.project_ref(),
            "defaultBranch": self._repository.default_branch,
            "size": sum(len(commit.files) for commit in self._repository.commits.values()),
            "remoteUrl": f"{self._organisation.base_url}/{PROJECT}/_git/{name}",
            "webUrl": f"{self._organisation.base_url}/{PROJECT}/_git/{name}",
            "isDisabled": False,
        }
        if "repositoryId" not in call.values:
            return collection([view])
        self._check(call)
        return web.json_response(view)

    async def _refs(self, call: Call) -> web.Response:
        """`filter` is the start of a name without `refs/`, `filterContains` any part of it."""
        self._check(call)
        start = "refs/" + (call.query.get("filter") or call.values.get("filter") or "")
        part = call.query.get("filterContains", "")
        branches = sorted(self._repository.branches.items())
        names = [(name, commit) for name, commit in branches if name.startswith(start) and part in name]
        page, token = paged(call, names, lambda item: item[0], size=1000)
        return collection([self._ref(name, commit) for name, commit in page], token)

    def _ref(self, name: str, commit: Commit) -> dict[str, Any]:
        url = f"{self._url}/refs?filter={name.removeprefix('refs/')}"
        return {"name": name, "objectId": commit.id, "creator": commit.author.ref(), "url": url}

    def _commit(self, commit: Commit) -> dict[str, Any]:
        who = {"name": commit.author.name, "email": commit.author.unique, "date": arm_time(commit.at)}
        before = self._repository.commits.get(commit.parent or "")
        old = before.files if before else {}
        both = old.keys() & commit.files.keys()
        return {
            "commitId": commit.id,
            "author": who,
            "committer": who,
            "comment": commit.message,
            "changeCounts": {
                "Add": len(commit.files.keys() - old.keys()),
                "Edit": sum(old[path] != commit.files[path] for path in both),
                "Delete": len(old.keys() - commit.files.keys()),
            },
            "url": f"{self._url}/commits/{commit.id}",
            "remoteUrl": f"{self._organisation.base_url}/{PROJECT}/_git/{self._repository.name}/commit/{commit.id}",
        }

    async def _commits(self, call: Call) -> web.Response:
        self._check(call)
        if "commitId" in call.values:
            found = self._repository.commits.get(call.values["commitId"].lower())
            if found is None:
                message = f"TF401175: The version descriptor {call.values['commitId']} could not be resolved."
                raise not_found("GitUnresolvableToCommitException", message)
            return web.json_response(
                {**self._commit(found), "parents": [found.parent] if found.parent else []}
            )
        history = self._repository.history(self._version(call, "searchCriteria.itemVersion"))
        if path := call.query.get("searchCriteria.itemPath", "").strip("/"):
            history = [commit for commit in history if self._touches(commit, path)]
        skip = call.whole("searchCriteria.$skip", 0) or call.whole("$skip", 0)
        top = call.whole("searchCriteria.$top", 0) or call.whole("$top", 0) or 100
        return collection([self._commit(commit) for commit in history[skip : skip + top]])

    def _touches(self, commit: Commit, path: str) -> bool:
        changed = commit.changed(self._repository.commits.get(commit.parent or ""))
        return any(name == path or name.startswith(f"{path}/") for name in changed)

    def _version(self, call: Call, prefix: str) -> Commit:
        """The commit that a version descriptor means: of a branch, by its id, or the default branch's."""
        name = call.query.get(f"{prefix}.version", "")
        kind = call.query.get(f"{prefix}.versionType", "branch").lower()
        if kind == "commit":
            found = self._repository.commits.get(name.lower())
        else:
            found = self._repository.branches.get(full_ref(name) if name else self._repository.default_branch)
        if found is None:
            message = (
                f"TF401175: The version descriptor <{kind.capitalize()}: {name}> could not be resolved to a version "
                f"in the repository {self._repository.name}"
            )
            raise not_found("GitUnresolvableToCommitException", message)
        return found

    async def _items(self, call: Call) -> web.Response:
        self._check(call)
        commit = self._version(call, "versionDescriptor")
        path = (call.query.get("path") or call.values.get("path") or "").strip("/")
        if not path:
            return collection(self._below(call, commit))
        if path not in commit.files:
            message = (
                f"TF401174: The item '/{path}' could not be found in the repository '{self._repository.name}' at the "
                f"version specified by '<Commit: {commit.id}>' (resolved to commit '{commit.id}')"
            )
            raise not_found("GitItemNotFoundException", message)
        content = (commit.folder / path).read_bytes()
        accept = call.request.headers.get("Accept", "")
        wants_bytes = (
            call.query.get("$format") == "octetStream" or "octet-stream" in accept or "text/" in accept
        )
        if wants_bytes or ("json" not in accept and call.query.get("includeContent") is None):
            return web.Response(body=content, content_type="application/octet-stream")
        view = self._item(commit, path)
        if call.query.get("includeContent", "").lower() == "true":
            view["content"] = content.decode("utf-8", "replace")
        return web.json_response(view)

    def _below(self, call: Call, commit: Commit) -> list[dict[str, Any]]:
        """Files under `scopePath`, as deep as `recursionLevel` says."""
        scope = call.query.get("scopePath", "/").strip("/")
        level = call.query.get("recursionLevel", "oneLevel").lower()
        if level not in ("none", "onelevel", "onelevelplusnestedemptyfolders", "full"):
            raise devops_error(
                400, "InvalidArgumentValueException", f"The recursion level '{level}' is not known."
            )
        start = f"{scope}/" if scope else ""
        names = [name for name in commit.files if name.startswith(start) or name == scope]
        if level != "full":
            names = [name for name in names if "/" not in name.removeprefix(start)]
        return [self._item(commit, name) for name in names]

    def _item(self, commit: Commit, path: str) -> dict[str, Any]:
        return {
            "objectId": commit.files[path],
            "gitObjectType": "blob",
            "commitId": commit.id,
            "path": f"/{path}",
            "url": f"{self._url}/items//{path}?versionType=Commit&version={commit.id}",
        }

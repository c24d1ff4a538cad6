"""Builds: list, cancel, timeline, logs, tags."""

from collections.abc import Sequence

from aiohttp import web

from sandbox.azure.times import arm_time
from sandbox.devops.builds import Build
from sandbox.devops.engine.engine import Engine
from sandbox.devops.errors import devops_error, invalid, not_found
from sandbox.devops.identities import STOP_BUILDS
from sandbox.devops.organisation import Organisation
from sandbox.devops.resources import Call, Resource, collection, paged
from sandbox.devops.timeline import Log
from sandbox.devops.views import build_view

PAGE = 1000


class BuildsApi:
    def __init__(self, organisation: Organisation, engine: Engine) -> None:
        self._organisation = organisation
        self._engine = engine

    def resources(self) -> list[Resource]:
        one = "{project}/_apis/build/builds/{buildId}"
        return [
            Resource(
                "0cd358e1-9217-4d94-8269-1c1ee6f93dcf",
                "build",
                "builds",
                one,
                {"GET": self._builds, "PATCH": self._update},
                version=7,
            ),
            Resource(
                "8baac422-4c6e-4de5-8532-db96d92acffa",
                "build",
                "Timeline",
                f"{one}/Timeline/{{timelineId}}",
                {"GET": self._timeline},
                version=2,
            ),
            Resource(
                "35a80daf-7f30-45fc-86e8-6b813d9c90df",
                "build",
                "logs",
                f"{one}/logs/{{logId}}",
                {"GET": self._logs},
                version=2,
            ),
            Resource(
                "6e6114b2-8161-44c8-8f6c-c5505782427f",
                "build",
                "tags",
                f"{one}/tags/{{*tag}}",
                {"GET": self._tags, "PUT": self._tag, "POST": self._tag, "DELETE": self._untag},
                version=3,
            ),
        ]

    def _build(self, call: Call) -> Build:
        found = self._organisation.builds.get(call.number("buildId"))
        if found is None:
            message = f"The requested build {call.values['buildId']} could not be found."
            raise not_found("BuildNotFoundException", message)
        return found

    async def _builds(self, call: Call) -> web.Response:
        if "buildId" in call.values:
            return web.json_response(build_view(self._organisation, self._build(call)))
        chosen = [build for build in self._organisation.builds.values() if _wanted(call, build)]
        ascending = call.query.get("queryOrder", "").endswith("Ascending")
        chosen.sort(key=lambda build: build.id, reverse=not ascending)
        page, token = paged(call, chosen, lambda build: build.id, size=PAGE)
        views = [build_view(self._organisation, build) for build in page]
        for view in views:
            del view["templateParameters"]
        return collection(views, token)

    async def _update(self, call: Call) -> web.Response:
        build = self._build(call)
        body = await call.body()
        if str(body.get("status", "")).lower() != "cancelling":
            raise invalid("The sandbox updates a build's status to cancelling, and nothing else.")
        if build.over:
            message = f"Build {build.id} is completed and cannot be updated."
            raise devops_error(400, "InvalidBuildException", message)
        self._organisation.access.require(call.caller, STOP_BUILDS, build.pipeline.id, "Stop builds")
        self._engine.cancel(build)
        return web.json_response(build_view(self._organisation, build))

    async def _timeline(self, call: Call) -> web.Response:
        build = self._build(call)
        wanted = call.values.get("timelineId", build.plan_id)
        if wanted != build.plan_id:
            raise not_found("TimelineNotFoundException", f"Timeline {wanted} was not found.")
        url = self._organisation.build_url(build)
        newest = max((record.changed for record in build.records), default=build.changed)
        return web.json_response(
            {
                "records": [record.as_json(url) for record in build.records],
                "lastChangedBy": build.requested_for.id,
                "lastChangedOn": arm_time(newest),
                "id": build.plan_id,
                "changeId": 1,
                "url": f"{url}/Timeline/{build.plan_id}",
            }
        )

    async def _logs(self, call: Call) -> web.Response:
        build = self._build(call)
        if "logId" in call.values:
            return self._lines(call, build)
        url = self._organisation.build_url(build)
        return collection(
            [
                {
                    "lineCount": len(log.lines),
                    "createdOn": arm_time(log.created),
                    "lastChangedOn": arm_time(log.changed),
                    "id": log.id,
                    "type": "Container",
                    "url": f"{url}/logs/{log.id}",
                }
                for log in build.logs
            ]
        )

    def _lines(self, call: Call, build: Build) -> web.Response:
        """Lines count from 1; both ends belong to what is asked for."""
        number = call.number("logId")
        log: Log | None = next((log for log in build.logs if log.id == number), None)
        if log is None:
            raise not_found("BuildLogNotFoundException", f"Log {number} of build {build.id} was not found.")
        start = max(1, call.whole("startLine", 1))
        end = call.whole("endLine", 0) or len(log.lines)
        lines = log.lines[start - 1 : end]
        if "application/json" in call.request.headers.get("Accept", ""):
            return collection(lines)
        return web.Response(text="".join(f"{line}\n" for line in lines))

    async def _tags(self, call: Call) -> web.Response:
        return collection(self._build(call).tags)

    async def _tag(self, call: Call) -> web.Response:
        build = self._build(call)
        given = [call.values["tag"]] if "tag" in call.values else await call.json()
        if not isinstance(given, list) or not all(isinstance(tag, str) and tag for tag in given):
            raise invalid("A list of tags was expected.")
        build.tags.extend(tag for tag in given if tag not in build.tags)
        return collection(build.tags)

    async def _untag(self, call: Call) -> web.Response:
        build = self._build(call)
        build.tags = [tag for tag in build.tags if tag != call.values.get("tag")]
        return collection(build.tags)


def _wanted(call: Call, build: Build) -> bool:
    query = call.query

    def among(name: str, value: str, otherwise: Sequence[str] = ("all",)) -> bool:
        given = [text.lower() for text in call.listed(name)]
        return not given or any(text in given for text in (value.lower(), *otherwise))

    return (
        among("definitions", str(build.pipeline.id), ())
        and among("buildIds", str(build.id), ())
        and among("statusFilter", build.status)
        and among("resultFilter", build.result or "none", ())
        and among("reasonFilter", build.reason)
        and among("buildNumber", build.number, ())
        and (not query.get("branchName") or query["branchName"] == build.branch)
        and set(call.listed("tagFilters")) <= set(build.tags)
        and (not query.get("minTime") or query["minTime"] <= arm_time(build.queued))
        and (not query.get("maxTime") or query["maxTime"] >= arm_time(build.queued))
    )

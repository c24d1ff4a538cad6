"""Environments, and the pools, queues and agents that run jobs."""

from typing import Any

from aiohttp import web

from sandbox.azure.times import arm_time
from sandbox.devops.engine.agents import Agent, AgentPool
from sandbox.devops.errors import devops_error, invalid, not_found
from sandbox.devops.organisation import Organisation
from sandbox.devops.protected import Environment
from sandbox.devops.resources import Call, Resource, collection, paged


class EnvironmentsApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "8572b1fc-2482-47fa-8f74-7e3ed53ee54b",
                "distributedtask",
                "environments",
                "{project}/_apis/distributedtask/environments/{environmentId}",
                {"GET": self._get, "POST": self._create, "PATCH": self._update, "DELETE": self._delete},
                released=False,
            ),
            Resource(
                "",
                "environments",
                "environments",
                "{project}/_apis/pipelines/environments/{environmentId}",
                {"GET": self._get, "POST": self._create, "PATCH": self._update, "DELETE": self._delete},
                released=False,
            ),
            Resource(
                "a8c47e17-4d56-4a56-92bb-de7ea7dc65be",
                "distributedtask",
                "pools",
                "_apis/distributedtask/pools/{poolId}",
                {"GET": self._pools},
            ),
            Resource(
                "e298ef32-5878-4cab-993c-043836571f42",
                "distributedtask",
                "agents",
                "_apis/distributedtask/pools/{poolId}/agents/{agentId}",
                {"GET": self._agents},
            ),
            Resource(
                "900fa995-c559-4923-aae7-f8424fe4fbea",
                "distributedtask",
                "queues",
                "{project}/_apis/distributedtask/queues/{queueId}",
                {"GET": self._queues},
                released=False,
            ),
        ]

    def _environment(self, call: Call) -> Environment:
        found = self._organisation.resources.environments.get(call.number("environmentId"))
        if found is None:
            message = (
                f"Environment with ID {call.values['environmentId']} does not exist or has been deleted."
            )
            raise not_found("EnvironmentNotFoundException", message)
        return found

    async def _get(self, call: Call) -> web.Response:
        if "environmentId" in call.values:
            return web.json_response(self._view(self._environment(call)))
        name = call.query.get("name", "").lower()
        environments = self._organisation.resources.environments.values()
        chosen = [environment for environment in environments if not name or environment.name.lower() == name]
        page, token = paged(call, chosen, lambda environment: environment.id, size=50)
        return collection([self._view(environment) for environment in page], token)

    async def _create(self, call: Call) -> web.Response:
        body = await call.body()
        name = str(body.get("name") or "")
        if not name:
            raise invalid("The environment needs a name.")
        self._check_free(name)
        made = self._organisation.resources.add_environment(
            name, str(body.get("description") or ""), call.caller
        )
        return web.json_response(self._view(made))

    def _check_free(self, name: str) -> None:
        if self._organisation.resources.environment(name):
            message = f"Environment {name} already exists in the current project."
            raise devops_error(409, "EnvironmentExistsException", message)

    async def _update(self, call: Call) -> web.Response:
        found, body = self._environment(call), await call.body()
        if (name := str(body.get("name") or found.name)).lower() != found.name.lower():
            self._check_free(name)
        found.name, found.description = name, str(body.get("description", found.description))
        return web.json_response(self._view(found))

    async def _delete(self, call: Call) -> web.Response:
        del self._organisation.resources.environments[self._environment(call).id]
        return web.Response(status=204)

    def _view(self, environment: Environment) -> dict[str, Any]:
        who = environment.created_by.ref()
        return {
            "id": environment.id,
            "name": environment.name,
            "description": environment.description,
            "createdBy": who,
            "createdOn": arm_time(environment.created),
            "lastModifiedBy": who,
            "lastModifiedOn": arm_time(environment.created),
            "resources": [],
            "project": {"id": self._organisation.project_id},
        }

    async def _pools(self, call: Call) -> web.Response:
        if "poolId" in call.values:
            return web.json_response(_pool(self._pool(call)))
        name = call.query.get("poolName", "").lower()
        return collection([_pool(p) for p in self._organisation.pools if not name or p.name.lower() == name])

    def _pool(self, call: Call) -> AgentPool:
        number = call.number("poolId")
        found = next((pool for pool in self._organisation.pools if pool.id == number), None)
        if found is None:
            raise not_found("TaskAgentPoolNotFoundException", f"Agent pool {number} was not found.")
        return found

    async def _agents(self, call: Call) -> web.Response:
        agents = self._pool(call).agents
        if "agentId" not in call.values:
            return collection([_agent(agent) for agent in agents])
        number = call.number("agentId")
        found = next((agent for agent in agents if agent.id == number), None)
        if found is None:
            raise not_found("TaskAgentNotFoundException", f"Agent {number} was not found.")
        return web.json_response(_agent(found))

    async def _queues(self, call: Call) -> web.Response:
        """A queue is a pool as the project sees it; here both have the same id."""
        views = [
            {"id": p.id, "name": p.name, "projectId": self._organisation.project_id, "pool": _pool(p)}
            for p in self._organisation.pools
        ]
        if "queueId" in call.values:
            number = call.number("queueId")
            found = next((view for view in views if view["id"] == number), None)
            if found is None:
                raise not_found("TaskAgentQueueNotFoundException", f"No agent queue found with id {number}.")
            return web.json_response(found)
        names = [name.lower() for name in call.listed("queueNames") or call.listed("queueName")]
        return collection([view for view in views if not names or str(view["name"]).lower() in names])


def _pool(pool: AgentPool) -> dict[str, Any]:
    return {
        "id": pool.id,
        "name": pool.name,
        "isHosted": pool.hosted,
        "poolType": "automation",
        "size": len(pool.agents),
    }


def _agent(agent: Agent) -> dict[str, Any]:
    request = {"assignedRequest": {"jobName": agent.runs}} if agent.runs else {}
    return {
        "id": agent.id,
        "name": agent.name,
        "version": "4.260.0",
        "enabled": agent.enabled,
        "status": "online" if agent.online else "offline",
        **request,
    }

"""The Azure DevOps twin: one organisation on a free port of this machine, and the environment that leads to it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from sandbox.azure.tokens import Tokens
from sandbox.devops.api.builds import BuildsApi
from sandbox.devops.api.checks import ChecksApi
from sandbox.devops.api.core import CoreApi
from sandbox.devops.api.definitions import DefinitionsApi
from sandbox.devops.api.endpoints import EndpointsApi
from sandbox.devops.api.environments import EnvironmentsApi
from sandbox.devops.api.git import GitApi
from sandbox.devops.api.pipelines import PipelinesApi
from sandbox.devops.api.security import SecurityApi
from sandbox.devops.api.subscriptions import SubscriptionsApi
from sandbox.devops.engine.engine import Engine
from sandbox.devops.front import Front, guard
from sandbox.devops.hooks import Hooks
from sandbox.devops.organisation import NAME, PROJECT, Organisation
from sandbox.devops.pace import Pace
from sandbox.devops.portal import Portal
from sandbox.devops.queueing import Queue
from sandbox.faults import Faults


class DevOpsTwin:
    """`tokens` are those of the Azure twin, whose bearer tokens are then taken; without them only the personal access
    token opens. `variables` are given to the processes of pipelines: the addresses of the other twins. More may be
    added to them later.
    """

    def __init__(
        self,
        root: Path,
        *,
        faults: Faults | None = None,
        tokens: Tokens | None = None,
        variables: Mapping[str, str] | None = None,
        pace: Pace = Pace(),  # noqa: B008  frozen
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.faults = faults or Faults()
        self._root = root.resolve()
        self._entra = tokens is not None
        self.organisation = Organisation(self._root, tokens, pace)
        self.hooks = Hooks(self.organisation)
        self.variables: dict[str, str] = dict(variables or {})
        self._engine = Engine(self.organisation, self.hooks, self.variables)
        self._queue = Queue(self.organisation, self._engine)
        self.portal = Portal(self.organisation, self._queue, self._engine, self.hooks)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(middlewares=[self.faults.middleware, guard])
        front = Front(
            self.organisation,
            [
                *CoreApi(self.organisation).resources(),
                *PipelinesApi(self.organisation, self._queue).resources(),
                *BuildsApi(self.organisation, self._engine).resources(),
                *DefinitionsApi(self.organisation).resources(),
                *GitApi(self.organisation).resources(),
                *EnvironmentsApi(self.organisation).resources(),
                *ChecksApi(self.organisation).resources(),
                *EndpointsApi(self.organisation).resources(),
                *SecurityApi(self.organisation).resources(),
                *SubscriptionsApi(self.organisation, self.hooks).resources(),
            ],
        )
        app.router.add_route("*", "/{organisation:(?i:" + NAME + ")}{below:(/.*)?}", front.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = int(self._runner.addresses[0][1])
        self.organisation.base_url = f"http://127.0.0.1:{port}/{NAME}"
        self.portal.attach(asyncio.get_running_loop())

    async def stop(self) -> None:
        """Ends the server, that nothing may begin any more, then every process of a pipeline."""
        self.faults.clear()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._engine.close()
        await self.hooks.deliveries.close()

    def env(self) -> dict[str, str]:
        """For a process that should take this twin for Azure DevOps. With the Azure twin's tokens it signs in to Entra,
        else with the personal access token.
        """
        if self._runner is None:
            raise RuntimeError("the twin has not been started")
        found = {
            "AZURE_DEVOPS_ORG_URL": self.organisation.base_url,
            "AZURE_DEVOPS_PROJECT": PROJECT,
            "AZURE_DEVOPS_CACHE_DIR": str(self._root / "client-cache"),
        }
        return found if self._entra else {**found, "AZURE_DEVOPS_EXT_PAT": self.organisation.access.pat}

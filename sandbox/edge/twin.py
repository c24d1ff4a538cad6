"""The IoT Hub twin: the service API of one hub under its production host name, and the environment that leads to it."""

from aiohttp import web

from sandbox.azure.tokens import Tokens
from sandbox.azure.twin import AzureTwin
from sandbox.edge.api.configurations import ConfigurationsApi
from sandbox.edge.api.devices import DevicesApi
from sandbox.edge.api.queries import QueriesApi
from sandbox.edge.front import guard_of
from sandbox.edge.hub.hub import Hub
from sandbox.edge.pace import Pace
from sandbox.faults import Faults

HOST_NAME = "bottling-line.azure-devices.net"


class IoTHubTwin:
    """`tokens` are those of the Azure twin, whose sign-in opens the hub too."""

    def __init__(
        self,
        tokens: Tokens,
        *,
        faults: Faults | None = None,
        pace: Pace = Pace(),  # noqa: B008  frozen
    ) -> None:
        self.faults = faults or Faults()
        self.hub = Hub(pace)
        self._tokens = tokens

    async def start(self, azure: AzureTwin) -> None:
        """`azure` has started: it lends the certificate authority and the way to the host name."""
        app = web.Application(
            middlewares=[self.faults.middleware, guard_of(self._tokens, azure.workspace.forbidden)]
        )
        for api in (ConfigurationsApi(self.hub), DevicesApi(self.hub), QueriesApi(self.hub)):
            app.add_routes(api.routes())
        await azure.host(HOST_NAME, app)
        self.hub.start()

    async def stop(self) -> None:
        """The server itself ends with the Azure twin's."""
        self.faults.clear()
        await self.hub.stop()

    def env(self) -> dict[str, str]:
        """For a process that should take this twin for its IoT Hub, next to the Azure twin's own environment."""
        return {"IOTHUB_HOSTNAME": HOST_NAME}

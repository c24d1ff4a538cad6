"""All Azure twins together: servers on free ports of this machine, and the environment that leads clients to them."""

import asyncio
import os
import ssl
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import trustme
from aiohttp import web

from sandbox.azure.arm.assets import AssetsApi
from sandbox.azure.arm.computes import ComputesApi
from sandbox.azure.arm.datastores import DatastoresApi
from sandbox.azure.arm.identities import IdentitiesApi
from sandbox.azure.arm.jobs import JobsApi
from sandbox.azure.arm.labeling import LabelingApi
from sandbox.azure.arm.operations import Operations
from sandbox.azure.arm.permissions import PermissionsApi
from sandbox.azure.arm.role_assignments import RoleAssignmentsApi
from sandbox.azure.arm.workspace import WorkspaceApi
from sandbox.azure.blob import HOST_SUFFIX, BlobService
from sandbox.azure.dataplane.artifacts import ArtifactsApi
from sandbox.azure.dataplane.discovery import DiscoveryApi
from sandbox.azure.dataplane.history import HistoryApi
from sandbox.azure.dataplane.mlflow import MlflowApi
from sandbox.azure.engine.jobs import Workshop
from sandbox.azure.engine.pipeline import Engine
from sandbox.azure.front import guard_of
from sandbox.azure.labeling import keep_labeling
from sandbox.azure.pace import Pace
from sandbox.azure.studio import Studio
from sandbox.azure.tunnel import Tunnel
from sandbox.azure.workspace import Workspace
from sandbox.faults import Faults
from sandbox.trainer import ask


def trainer_of(owner: int) -> tuple[str, ...]:
    """The command that one trial runs; on Linux the trials of one owning process share what they have imported."""
    return (
        (sys.executable, "-IS", str(Path(ask.__file__)), str(owner))
        if sys.platform == "linux"  # elsewhere what a trial imports does not go well with forks
        else (sys.executable, "-m", "sandbox.trainer.trial")
    )


TRAINER = trainer_of(os.getpid())
LARGEST_BODY = 1 << 30


class AzureTwin:
    """`root` keeps blobs, job folders and logs. `trainer` is the command that one trial of a sweep runs."""

    def __init__(
        self,
        root: Path,
        *,
        faults: Faults | None = None,
        pace: Pace = Pace(),  # noqa: B008  frozen
        trainer: Sequence[str] = TRAINER,
        cache: Path | None = None,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.faults = faults or Faults()
        self.workspace = Workspace(root.resolve(), pace)
        self._ca_file = root / "ca.pem"
        self._runners: list[web.AppRunner] = []
        self._tunnel: Tunnel | None = None
        self._labeling: asyncio.Task[None] | None = None
        self._authority = trustme.CA(organization_name="Spotter sandbox")
        self._workshop = Workshop(self.workspace, {}, trainer, (cache or root / "compiled").resolve())
        self._engine = Engine(self._workshop)
        self.studio = Studio(self.workspace, self._engine)

    async def start(self) -> None:
        self.workspace.root.mkdir(parents=True, exist_ok=True)
        authority = self._authority
        authority.cert_pem.write_to_path(str(self._ca_file))
        here = _tls(authority, "localhost", "127.0.0.1")
        port = await self._serve(self._azure_app, here)
        self.workspace.base_url = f"https://localhost:{port}"
        self.workspace.tokens.known.add(self.workspace.base_url)
        blob_port = await self._serve(self._blob_app, _tls(authority, f"*{HOST_SUFFIX}"))
        identity_port = await self._serve(self._identity_app, None)
        self.workspace.identity_url = f"http://127.0.0.1:{identity_port}/msi/token"
        self._tunnel = Tunnel(blob_port)
        await self._tunnel.start()
        self._workshop.network.update(self._network())
        self.studio.attach(asyncio.get_running_loop())
        people = keep_labeling(self.workspace.labeling, lambda: self.workspace.pace.labeling)
        self._labeling = asyncio.get_running_loop().create_task(people)

    async def host(self, name: str, app: web.Application) -> None:
        """Serves an application at `https://<name>/` for clients with this twin's environment."""
        if self._tunnel is None:
            raise RuntimeError("the twin has not been started")
        self._tunnel.hosts[name] = await self._serve(lambda: app, _tls(self._authority, name))

    async def stop(self) -> None:
        """Ends its servers, that nothing may begin any more, then all job processes this twin started."""
        self.faults.clear()
        if self._tunnel is not None:
            await self._tunnel.stop()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        if self._labeling is not None:
            self._labeling.cancel()
        await self._engine.close()
        await self.workspace.events.close()
        for cluster in self.workspace.clusters.values():
            cluster.close()

    def env(self) -> dict[str, str]:
        """For a process that should take these twins for Azure."""
        place = self.workspace.place
        return {
            **self._network(),
            "IDENTITY_ENDPOINT": self.workspace.identity_url,
            "IDENTITY_HEADER": self.workspace.identity.header,
            "AZURE_SUBSCRIPTION_ID": place.subscription,
            "AZURE_RESOURCE_GROUP": place.group,
            "AZUREML_WORKSPACE_NAME": place.workspace,
        }

    def _network(self) -> dict[str, str]:
        if self._tunnel is None:
            raise RuntimeError("the twin has not been started")
        return {
            "ARM_CLOUD_METADATA_URL": f"{self.workspace.base_url}/metadata/endpoints",
            "AZUREML_CURRENT_CLOUD": DiscoveryApi(self.workspace).cloud_name,
            "REQUESTS_CA_BUNDLE": str(self._ca_file),
            "ALL_PROXY": f"http://127.0.0.1:{self._tunnel.port}",
            "NO_PROXY": "localhost,127.0.0.1",
        }

    async def _serve(self, build: Callable[[], web.Application], tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(build(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        return int(runner.addresses[0][1])

    def _azure_app(self) -> web.Application:
        workspace = self.workspace
        app = web.Application(
            middlewares=[self.faults.middleware, guard_of(workspace)], client_max_size=LARGEST_BODY
        )
        operations = Operations(workspace)
        for api in (
            WorkspaceApi(workspace),
            IdentitiesApi(workspace),
            PermissionsApi(workspace),
            RoleAssignmentsApi(workspace),
            DatastoresApi(workspace),
            ComputesApi(workspace, operations),
            AssetsApi(workspace),
            JobsApi(workspace, self._engine, operations),
            LabelingApi(workspace, operations),
            operations,
            HistoryApi(workspace),
            MlflowApi(workspace),
            ArtifactsApi(workspace),
            DiscoveryApi(workspace),
        ):
            app.add_routes(api.routes())
        identity = workspace.identity
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", identity.openid_configuration)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", identity.client_credentials)
        return app

    def _blob_app(self) -> web.Application:
        service = BlobService(self.workspace.storage, self.workspace.tokens, self.workspace.forbidden)
        app = web.Application(middlewares=[self.faults.middleware], client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", service.handle)
        return app

    def _identity_app(self) -> web.Application:
        app = web.Application(middlewares=[self.faults.middleware])
        app.router.add_get("/msi/token", self.workspace.identity.managed_identity)
        return app


def _tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context

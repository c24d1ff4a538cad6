"""People's side of Azure DevOps: what they do in the web page, and what happens to their machines."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.engine.checkpoint import BRANCH_CONTROL
from sandbox.devops.engine.engine import Engine
from sandbox.devops.hooks import Hooks
from sandbox.devops.identities import APPROVER, ENGINEER, Identity
from sandbox.devops.organisation import PROJECT, Organisation
from sandbox.devops.queueing import Queue
from sandbox.devops.repository import Commit, full_ref

Result = TypeVar("Result")


class Portal:
    """Synchronous and safe from any thread; before the twin has started it acts at once."""

    def __init__(self, organisation: Organisation, queue: Queue, engine: Engine, hooks: Hooks) -> None:
        self._organisation = organisation
        self._queue = queue
        self._engine = engine
        self._hooks = hooks
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def _do(self, work: Callable[[], Result]) -> Result:
        if self._loop is None or not self._loop.is_running() or _running_loop() is self._loop:
            return work()

        async def on_loop() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(30)

    def push(
        self, branch: str, folder: Path, message: str = "Change the pipeline", author: Identity = ENGINEER
    ) -> Commit:
        """Makes the folder's files the newest commit of the branch, and starts the pipelines that this triggers."""

        def work() -> Commit:
            repository = self._organisation.repository
            before = repository.branches.get(full_ref(branch))
            commit = repository.push(branch, folder, message, author)
            if self._loop is not None:
                self._queue.pushed(full_ref(branch), commit, before)
            return commit

        return self._do(work)

    def create_pipeline(self, name: str, path: str) -> Pipeline:
        """A pipeline from the YAML file at `path`, as the web page makes it."""

        def work() -> Pipeline:
            pipelines = self._organisation.pipelines
            made = Pipeline(next(self._organisation.pipeline_ids), name, "\\", path.lstrip("/"))
            pipelines[made.id] = made
            return made

        return self._do(work)

    def run_pipeline(
        self,
        name: str,
        branch: str = "main",
        parameters: Mapping[str, str] | None = None,
        by: Identity = ENGINEER,
    ) -> Build:
        """A run by hand. Raises what the page would refuse."""

        def work() -> Build:
            pipeline = next(p for p in self._organisation.pipelines.values() if p.name == name)
            return self._queue.add(pipeline, branch, dict(parameters or {}), by)

        return self._do(work)

    def cancel(self, build: Build) -> None:
        self._do(lambda: self._engine.cancel(build))

    def builds(self) -> list[Build]:
        """Newest first; their fields move on."""
        return self._do(lambda: sorted(self._organisation.builds.values(), key=lambda build: -build.id))

    def approvals(self, status: str = "pending") -> list[Approval]:
        return self._do(lambda: [a for a in self._organisation.approvals.values() if a.status == status])

    def approve(self, approval: Approval, by: Identity = APPROVER, comment: str = "") -> None:
        self._answer(approval, by, "approved", comment)

    def reject(self, approval: Approval, by: Identity = APPROVER, comment: str = "") -> None:
        self._answer(approval, by, "rejected", comment)

    def _answer(self, approval: Approval, by: Identity, status: str, comment: str) -> None:
        def work() -> None:
            approval.answer(by, status, comment)
            self._organisation.bell.ring()

        self._do(work)

    def permit(self, kind: str, name: str, pipeline: str, by: Identity = ENGINEER) -> None:
        """Presses Permit: `kind` is endpoint, environment or queue."""

        def work() -> None:
            resources = self._organisation.resources
            found: Any = {
                "endpoint": resources.endpoint,
                "environment": resources.environment,
                "queue": self._organisation.pool,
            }[kind](name)
            number = next(p.id for p in self._organisation.pipelines.values() if p.name == pipeline)
            resources.permissions(kind, str(found.id)).permit(number, by)
            self._organisation.bell.ring()

        self._do(work)

    def add_environment(self, name: str, description: str = "") -> int:
        """Its id."""
        resources = self._organisation.resources
        return self._do(lambda: resources.add_environment(name, description, ENGINEER).id)

    def require_approval(self, environment: str, of: Identity = APPROVER) -> None:
        """Adds the check Approvals to an environment."""

        def work() -> None:
            resources = self._organisation.resources
            there = resources.environment(environment)
            if there is None:
                raise KeyError(environment)
            settings = {"approvers": [{"id": of.id}], "minRequiredApprovers": 1, "executionOrder": "anyOrder"}
            resources.add_check("Approval", settings, ("environment", str(there.id)), 43200, ENGINEER)

        self._do(work)

    def control_branches(self, connection: str, *branches: str) -> None:
        """Adds the check Branch control to a service connection."""

        def work() -> None:
            resources = self._organisation.resources
            there = resources.endpoint(connection)
            if there is None:
                raise KeyError(connection)
            allowed = ", ".join(full_ref(branch) for branch in branches)
            settings = {
                "definitionRef": {
                    "id": BRANCH_CONTROL,
                    "name": "evaluatebranchProtection",
                    "version": "0.0.1",
                },
                "displayName": "Branch control",
                "inputs": {"allowedBranches": allowed, "ensureProtectionOfBranch": "false"},
            }
            resources.add_check("Task Check", settings, ("endpoint", there.id), 1440, ENGINEER)

        self._do(work)

    def add_azure_connection(self, name: str, subscription: str, tenant: str, identity: str) -> str:
        """A service connection to Azure with workload identity federation, for pipelines that are permitted to use it;
        its id."""

        def work() -> str:
            organisation = self._organisation
            body = {
                "name": name,
                "type": "azurerm",
                "url": "https://management.azure.com/",
                "data": {
                    "environment": "AzureCloud",
                    "scopeLevel": "Subscription",
                    "creationMode": "Manual",
                    "subscriptionId": subscription,
                    "subscriptionName": "sandbox",
                },
                "authorization": {
                    "scheme": "WorkloadIdentityFederation",
                    "parameters": {"tenantid": tenant, "serviceprincipalid": identity},
                },
                "serviceEndpointProjectReferences": [
                    {"projectReference": {"id": organisation.project_id, "name": PROJECT}, "name": name}
                ],
            }
            return organisation.resources.add_endpoint(name, body, ENGINEER).id

        return self._do(work)

    @property
    def pat(self) -> str:
        return self._organisation.access.pat

    def expire_pat(self) -> None:
        self._do(self._organisation.access.expire_pat)

    def renew_pat(self) -> str:
        return self._do(self._organisation.access.renew_pat)

    def take_agents_offline(self) -> None:
        """No further job gets an agent; what runs goes on."""
        self._set_online(False)

    def bring_agents_online(self) -> None:
        self._set_online(True)

    def _set_online(self, online: bool) -> None:
        def work() -> None:
            for pool in self._organisation.pools:
                pool.set_online(online)

        self._do(work)

    def redeliver(self) -> None:
        """Sends the last event of every subscription again, with the ids it had."""

        def work() -> None:
            for subscription in self._hooks.subscriptions.values():
                if subscription.notifications:
                    self._hooks.deliveries.again(subscription, subscription.notifications[-1])

        self._do(work)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

"""Service connections by workload identity federation, and the identities that trust them: no secret that expires."""

from dataclasses import dataclass
from typing import ClassVar

from infra.azureml import identities
from infra.azureml.identities import AUDIENCE, Identity, Trust
from infra.devops.resources import FEDERATION, Endpoint, WorkspaceEndpoint
from infra.setup.pipelines import may_use, permit, pipeline_named
from infra.setup.step import Finding, Todo, differs, fine, for_a_person, missing, waits
from infra.setup.world import World, no_identity


@dataclass(frozen=True)
class ConnectionStep:
    """A service connection to the workspace that acts as an identity, for one pipeline only."""

    world: World
    name: str
    identity: str
    pipeline: str
    kind: ClassVar[str] = "Service connections"

    def look(self) -> Finding:
        identity = identities.identity(self.world.azure, self.identity)
        if identity is None:
            return no_identity(self.world, self.identity)
        wanted = self._wanted(identity)
        there = self.world.devops.endpoint(self.name)
        if there is None:
            return missing(f"acts as {self.identity}, for {self.pipeline}", lambda: self._make(wanted))
        if there.scheme != FEDERATION:
            return for_a_person(f"signs in by {there.scheme or 'other means'}", self._convert(there))
        if others := _differences(there, wanted):
            return differs(others, lambda: self.world.devops.update_endpoint(there, wanted))
        return _for_its_pipeline(self.world, there, self.pipeline, f"acts as {self.identity}")

    def by_hand(self) -> Todo:
        place = self.world.azure.workspace
        return Todo(
            f"Create the service connection {self.name}: New service connection → Azure Resource Manager → Managed"
            " identity",
            self.world.devops_page("_settings", "adminservices"),
            (
                ("Managed identity", self.identity),
                ("Scope level", "Machine Learning Workspace"),
                ("Subscription", f"{self.world.subscription.name} ({place.subscription})"),
                ("Resource group", place.resource_group),
                ("Workspace", place.name),
                ("Name", self.name),
                ("Pipeline permissions", self.pipeline),
            ),
        )

    def _make(self, wanted: WorkspaceEndpoint) -> None:
        made = self.world.devops.ensure_endpoint(wanted)
        if pipeline_named(self.world, self.pipeline):
            permit(self.world, self.pipeline, "endpoint", made.id)

    def _wanted(self, identity: Identity) -> WorkspaceEndpoint:
        place = self.world.azure.workspace
        return WorkspaceEndpoint(
            name=self.name,
            tenant=self.world.subscription.tenant,
            client_id=identity.client_id,
            subscription=place.subscription,
            subscription_name=self.world.subscription.name,
            resource_group=place.resource_group,
            workspace=place.name,
            location=self.world.region,
        )

    def _convert(self, there: Endpoint) -> Todo:
        return Todo(
            f"Convert {self.name} to workload identity federation (Convert, on its page), or delete it",
            f"{self.world.devops_page('_settings', 'adminservices')}?resourceId={there.id}",
        )


@dataclass(frozen=True)
class GivenConnectionStep:
    """The connection that deploys. Only somebody who may assign roles can make it; its pipeline is let in here."""

    world: World
    name: str
    pipeline: str
    kind: ClassVar[str] = "Service connections"

    def look(self) -> Finding:
        there = self.world.devops.endpoint(self.name)
        if there is None:
            return for_a_person("deploys the infrastructure, so only an owner can make it", self.by_hand())
        return _for_its_pipeline(self.world, there, self.pipeline, "made by an owner")

    def by_hand(self) -> Todo:
        place = self.world.azure.workspace
        return Todo(
            f"Create the service connection {self.name}: New service connection → Azure Resource Manager → App"
            " registration (automatic), workload identity federation; then give it both roles on the resource group",
            self.world.devops_page("_settings", "adminservices"),
            (
                ("Scope level", "Subscription"),
                ("Subscription", f"{self.world.subscription.name} ({place.subscription})"),
                ("Resource group", place.resource_group),
                ("Name", self.name),
                ("Roles", "Contributor and Role Based Access Control Administrator"),
            ),
        )


@dataclass(frozen=True)
class TrustStep:
    """The federated credential by which an identity takes a service connection for itself."""

    world: World
    identity: str
    connection: str
    credential: str = "azure-devops"
    kind: ClassVar[str] = "Federated credentials"

    @property
    def name(self) -> str:
        return self.identity

    def look(self) -> Finding:
        if identities.identity(self.world.azure, self.identity) is None:
            return waits(f"once the identity {self.identity} is there")
        wanted = self._wanted()
        if wanted is None:
            return waits(f"once {self.connection} is there")
        known = identities.trusts(self.world.azure, self.identity)
        if any(_same(trust, wanted) for trust in known):
            return fine(f"trusts {self.connection}")
        if any(trust.name == self.credential for trust in known):
            return differs("trusts another connection", lambda: self._put(wanted))
        return missing(f"trusts {self.connection}", lambda: self._put(wanted))

    def by_hand(self) -> Todo:
        wanted = self._wanted()
        told = (("Issuer", wanted.issuer), ("Subject identifier", wanted.subject)) if wanted else ()
        return Todo(
            f"Let {self.identity} trust {self.connection}: Federated credentials → Add credential → Other issuer",
            self.world.portal_page(identities.arm_id(self.world.azure, self.identity)),
            (*told, ("Name", self.credential), ("Audience", AUDIENCE)),
        )

    def _wanted(self) -> Trust | None:
        there = self.world.devops.endpoint(self.connection)
        if there is None or not there.issuer or not there.subject:
            return None
        return Trust(self.credential, there.issuer, there.subject)

    def _put(self, wanted: Trust) -> None:
        identities.put_trust(self.world.azure, self.identity, wanted)


def _for_its_pipeline(world: World, there: Endpoint, pipeline: str, words: str) -> Finding:
    if may_use(world, pipeline, "endpoint", there.id):
        return fine(f"{words}, for {pipeline}")
    if pipeline_named(world, pipeline) is None:
        return waits(f"once the pipeline {pipeline} is there")
    return differs(f"{pipeline} may not use it yet", lambda: permit(world, pipeline, "endpoint", there.id))


def _differences(there: Endpoint, wanted: WorkspaceEndpoint) -> str:
    """What leads elsewhere, in words; empty where nothing does."""
    pairs = (
        ("identity", there.parameters.get("serviceprincipalid"), wanted.client_id),
        ("tenant", there.parameters.get("tenantid"), wanted.tenant),
        ("subscription", there.data.get("subscriptionId"), wanted.subscription),
        ("resource group", there.data.get("resourceGroupName"), wanted.resource_group),
        ("workspace", there.data.get("mlWorkspaceName"), wanted.workspace),
    )
    others = [what for what, found, expected in pairs if (found or "").lower() != expected.lower()]
    if others:
        listed = " and ".join(part for part in (", ".join(others[:-1]), others[-1]) if part)
        return f"leads elsewhere: another {listed}"
    return "" if there.is_ready else "is not ready"


def _same(trust: Trust, wanted: Trust) -> bool:
    """Issuer and subject are compared as Entra does, letter by letter."""
    return (trust.issuer, trust.subject) == (wanted.issuer, wanted.subject) and AUDIENCE in trust.audiences

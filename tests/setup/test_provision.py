"""`spotter provision`, from nothing to all that must stand, whatever happens in between."""

from inline_snapshot import snapshot

from sandbox.faults import Fault
from tests.setup.place import Place

SUBJECT = "sc://bottling/Vision"
END = {
    "pipelines": [
        (f"spotter-{name}", f"infra/provision/pipelines/{name}.yml")
        for name in ("edge", "infrastructure", "publish")
    ],
    "connections": {
        "aml-workspace-connection": ("bottling-line", ["spotter-publish"]),
        "edge-connection": ("bottling-line", ["spotter-edge"]),
    },
    "environments": [
        ("infrastructure", "spotter-infrastructure"),
        ("line-1-all", "spotter-edge"),
        ("line-1-canary", "spotter-edge"),
    ],
    "trust": {
        "spotter-publish": [("azure-devops", f"{SUBJECT}/aml-workspace-connection")],
        "spotter-edge": [("azure-devops", f"{SUBJECT}/edge-connection")],
    },
    "datastore": ("edgevisionstorage", "pictures", "WorkspaceSystemAssignedIdentity"),
    "clusters": {"gpu-cluster": ("STANDARD_NC4AS_T4_V3", 0, 5, "PT3M")},
}


def test_from_nothing_to_all_that_must_stand(place: Place) -> None:
    planned = place.spotter("provision", "plan")
    assert planned.out == snapshot("""\

  bottling-line in spotter-sandbox, westeurope
  Vision at https://dev.azure.com/bottling, repository vision

  Files
  ✓ variables.yml             says the same as spotter.toml
  ✓ edge.yml                  lists every target and ring

  Pipelines
  + spotter-infrastructure    from infrastructure.yml
  + spotter-publish           from publish.yml
  + spotter-edge              from edge.yml

  Service connections
  ! azure-resource-connection deploys the infrastructure, so only an owner can
                              make it
  + aml-workspace-connection  acts as spotter-publish, for spotter-publish
  + edge-connection           acts as spotter-edge, for spotter-edge

  Federated credentials
  · spotter-publish           once aml-workspace-connection is there
  · spotter-edge              once edge-connection is there

  Environments
  + infrastructure            for spotter-infrastructure
  + line-1-canary             for spotter-edge
  + line-1-all                for spotter-edge

  Datastore
  + edgevisionstorage         on edgevisionstorage/pictures, without a key

  Pictures
  · line-1/*.png              once the datastore edgevisionstorage is there

  GPU cluster
  + gpu-cluster               Standard_NC4as_T4_v3, 0 to 5 nodes, idle 180\xa0s

  Quota
  ✓ Standard_NC4as_T4_v3      20 of 24 vCPUs

  Roles
  ✓ spotter-publish           AzureML Data Scientist, Storage Blob Data
                              Contributor
  ✓ spotter-edge              Reader, Storage Blob Data Reader
  ✓ spotter-training          AzureML Data Scientist, Storage Blob Data
                              Contributor, Storage Blob Data Reader

  Agents
  ! Azure Pipelines           no run has succeeded yet that would prove them

  + 10 to make   · 3 after that   ! 2 for a person   ✓ 6 as wanted

  For a person

  1. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     https://dev.azure.com/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  2. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     https://dev.azure.com/bottling/_settings/buildqueue?_a=concurrentJobs

  Make it: spotter provision apply

""")
    assert (planned.code, planned.err, place.writes()) == (0, "", [])
    applied = place.spotter("provision", "apply")
    assert applied.out == snapshot("""\

  bottling-line in spotter-sandbox, westeurope
  Vision at https://dev.azure.com/bottling, repository vision

  Files
  ✓ variables.yml             says the same as spotter.toml
  ✓ edge.yml                  lists every target and ring

  Pipelines
  ✓ spotter-infrastructure    made: from infrastructure.yml
  ✓ spotter-publish           made: from publish.yml
  ✓ spotter-edge              made: from edge.yml

  Service connections
  ! azure-resource-connection deploys the infrastructure, so only an owner can
                              make it
  ✓ aml-workspace-connection  made: acts as spotter-publish, for spotter-publish
  ✓ edge-connection           made: acts as spotter-edge, for spotter-edge

  Federated credentials
  ✓ spotter-publish           made: trusts aml-workspace-connection
  ✓ spotter-edge              made: trusts edge-connection

  Environments
  ✓ infrastructure            made: for spotter-infrastructure
  ✓ line-1-canary             made: for spotter-edge
  ✓ line-1-all                made: for spotter-edge

  Datastore
  ✓ edgevisionstorage         made: on edgevisionstorage/pictures, without a key

  Pictures
  ✓ line-1/*.png              line-1/cap-0.png, line-1/cap-1.png,
                              line-1/cap-2.png, …

  GPU cluster
  ✓ gpu-cluster               made: Standard_NC4as_T4_v3, 0 to 5 nodes, idle
                              180\xa0s

  Quota
  ✓ Standard_NC4as_T4_v3      20 of 24 vCPUs

  Roles
  ✓ spotter-publish           AzureML Data Scientist, Storage Blob Data
                              Contributor
  ✓ spotter-edge              Reader, Storage Blob Data Reader
  ✓ spotter-training          AzureML Data Scientist, Storage Blob Data
                              Contributor, Storage Blob Data Reader

  Agents
  ! Azure Pipelines           no run has succeeded yet that would prove them

  12 made   ! 2 for a person   ✓ 7 as wanted

  For a person

  1. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     https://dev.azure.com/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  2. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     https://dev.azure.com/bottling/_settings/buildqueue?_a=concurrentJobs

  Run this again when that is done.

""")
    assert (applied.code, applied.err) == (0, "")
    assert place.end() == END
    written = len(place.writes())
    again = place.spotter("provision", "apply")
    assert (again.code, len(place.writes())) == (0, written)
    assert "made:" not in again.out and "changed:" not in again.out


def test_killed_at_any_write_and_run_again_it_comes_to_the_same_end(place: Place) -> None:
    """Each process gets on to the write at which the next fault waits."""
    for faults, method, path, before in (
        (place.devops.faults, "POST", r"/pipelines\?", True),
        (place.devops.faults, "POST", r"/pipelines\?", False),
        (place.devops.faults, "POST", r"/endpoints\?", False),
        (place.devops.faults, "PATCH", "/pipelinepermissions/endpoint/", False),
        (place.azure.faults, "PUT", "/federatedIdentityCredentials/", True),
        (place.azure.faults, "PUT", "/federatedIdentityCredentials/", False),
        (place.devops.faults, "POST", r"/environments\?", False),
        (place.devops.faults, "PATCH", "/pipelinepermissions/environment/", True),
        (place.azure.faults, "PUT", "/datastores/", False),
        (place.azure.faults, "PUT", "/computes/", False),
    ):
        action = "hang_before" if before else "hang_after"
        place.killed_at(faults.arm(Fault(method, path, action)))
    finished = place.apply()
    assert (finished.code, finished.err) == (0, "")
    assert place.end() == END
    written = len(place.writes())
    assert place.apply().code == 0
    assert len(place.writes()) == written

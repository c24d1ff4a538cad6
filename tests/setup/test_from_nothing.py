"""`spotter provision`, from nothing to all that must stand."""

from inline_snapshot import snapshot

from tests.setup.place import END, Place


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

  Environments
  + infrastructure            for spotter-infrastructure
  + line-1-canary             for spotter-edge
  + line-1-all                for spotter-edge

  Agents
  ! Azure Pipelines           no run has succeeded yet that would prove them

  Service hooks
  + runs                      to https://spotter.example/hooks/devops
  + stages                    to https://spotter.example/hooks/devops
  + approvals                 to https://spotter.example/hooks/devops

  Service connections
  ! azure-resource-connection deploys the infrastructure, so only an owner can
                              make it
  + spotter                   leads to https://spotter.example, for spotter-edge
  + aml-workspace-connection  acts as spotter-publish, for spotter-publish
  + edge-connection           acts as spotter-edge, for spotter-edge

  Branch control
  · edge-connection           once the connection is there

  Federated credentials
  · spotter-publish           once aml-workspace-connection is there
  · spotter-edge              once edge-connection is there

  Roles
  ✓ spotter-publish           AzureML Data Scientist, Storage Blob Data
                              Contributor
  ✓ spotter-edge              Reader, Storage Blob Data Reader
  ✓ spotter-training          AzureML Data Scientist, Storage Blob Data
                              Contributor, Storage Blob Data Reader

  Datastore
  + edgevisionstorage         on edgevisionstorage/captures, without a key

  Pictures
  · line-1/*.png              once the datastore edgevisionstorage is there

  GPU cluster
  + gpu-cluster               Standard_NC4as_T4_v3, 0 to 5 nodes, idle 180\xa0s

  Quota
  ✓ Standard_NC4as_T4_v3      20 of 24 vCPUs

  Approval checks
  · line-1-canary             once environment and connection are there
  · line-1-all                once environment and connection are there

  + 14 to make   · 6 after that   ! 2 for a person   ✓ 6 as wanted

  For a person

  1. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     https://dev.azure.com/bottling/_settings/buildqueue?_a=concurrentJobs

  2. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     https://dev.azure.com/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  Make it: spotter provision apply

""")
    assert (planned.code, planned.err, place.writes()) == (0, "", [])
    applied = place.apply()
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

  Environments
  ✓ infrastructure            made: for spotter-infrastructure
  ✓ line-1-canary             made: for spotter-edge
  ✓ line-1-all                made: for spotter-edge

  Agents
  ! Azure Pipelines           no run has succeeded yet that would prove them

  Service hooks
  ✓ runs                      made: to https://spotter.example/hooks/devops
  ✓ stages                    made: to https://spotter.example/hooks/devops
  ✓ approvals                 made: to https://spotter.example/hooks/devops

  Service connections
  ! azure-resource-connection deploys the infrastructure, so only an owner can
                              make it
  ✓ spotter                   made: leads to https://spotter.example, for
                              spotter-edge
  ✓ aml-workspace-connection  made: acts as spotter-publish, for spotter-publish
  ✓ edge-connection           made: acts as spotter-edge, for spotter-edge

  Branch control
  ✓ edge-connection           made: for branch main alone

  Federated credentials
  ✓ spotter-publish           made: trusts aml-workspace-connection
  ✓ spotter-edge              made: trusts edge-connection

  Roles
  ✓ spotter-publish           AzureML Data Scientist, Storage Blob Data
                              Contributor
  ✓ spotter-edge              Reader, Storage Blob Data Reader
  ✓ spotter-training          AzureML Data Scientist, Storage Blob Data
                              Contributor, Storage Blob Data Reader

  Datastore
  ✓ edgevisionstorage         made: on edgevisionstorage/captures, without a key

  Pictures
  ✓ line-1/*.png              line-1/cap-0.png, line-1/cap-1.png,
                              line-1/cap-2.png, …

  GPU cluster
  ✓ gpu-cluster               made: Standard_NC4as_T4_v3, 0 to 5 nodes, idle
                              180\xa0s

  Quota
  ✓ Standard_NC4as_T4_v3      20 of 24 vCPUs

  Approval checks
  ✓ line-1-canary             made: asks Spotter
  ✓ line-1-all                made: asks Spotter

  19 made   ! 2 for a person   ✓ 7 as wanted

  For a person

  1. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     https://dev.azure.com/bottling/_settings/buildqueue?_a=concurrentJobs

  2. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     https://dev.azure.com/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  Run this again when that is done.

""")
    assert (applied.code, applied.err) == (0, "")
    assert place.end() == END
    written = len(place.writes())
    again = place.apply()
    assert (again.code, len(place.writes())) == (0, written)
    assert "made:" not in again.out and "changed:" not in again.out


def test_before_the_infrastructure_is_deployed_it_prepares_that(place: Place) -> None:
    first = place.apply(AZUREML_WORKSPACE_NAME="soon")
    assert (first.code, first.err) == (0, "")
    assert first.out == snapshot("""\

  soon in spotter-sandbox
  Vision at https://dev.azure.com/bottling, repository vision

  Files
  ! variables.yml             says otherwise: WORKSPACE_NAME
  ✓ edge.yml                  lists every target and ring

  Pipelines
  ✓ spotter-infrastructure    made: from infrastructure.yml
  ✓ spotter-publish           made: from publish.yml
  ✓ spotter-edge              made: from edge.yml

  Environments
  ✓ infrastructure            made: for spotter-infrastructure
  ✓ line-1-canary             made: for spotter-edge
  ✓ line-1-all                made: for spotter-edge

  Agents
  ! Azure Pipelines           no run has succeeded yet that would prove them

  Service hooks
  ✓ runs                      made: to https://spotter.example/hooks/devops
  ✓ stages                    made: to https://spotter.example/hooks/devops
  ✓ approvals                 made: to https://spotter.example/hooks/devops

  Service connections
  ! azure-resource-connection deploys the infrastructure, so only an owner can
                              make it
  ✓ spotter                   made: leads to https://spotter.example, for
                              spotter-edge

  Approval checks
  ✓ line-1-canary             made: asks Spotter
  ✓ line-1-all                made: asks Spotter

  Workspace
  ! soon                      is not there yet; the rest comes after it

  12 made   ! 4 for a person   ✓ 1 as wanted

  For a person

  1. Correct variables.yml, or the settings under [provision], so that both say
     the same
     https://dev.azure.com/bottling/Vision/_git/vision?path=/infra/provision/pipelines/variables.yml&version=GBmain
     WORKSPACE_NAME  soon

  2. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     https://dev.azure.com/bottling/_settings/buildqueue?_a=concurrentJobs

  3. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     https://dev.azure.com/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  4. Run the pipeline spotter-infrastructure, which makes the workspace and what
     it needs; or correct the settings by which it is looked for
     https://dev.azure.com/bottling/Vision/_build
     AZURE_RESOURCE_GROUP    spotter-sandbox
     AZUREML_WORKSPACE_NAME  soon

  Run this again when that is done.

""")
    assert place.apply().code == 0
    assert place.end() == END

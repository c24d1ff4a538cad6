"""`spotter provision`, from nothing to all that must stand, whatever happens in between."""

import json
import re
from dataclasses import replace

from inline_snapshot import snapshot

from sandbox.devops.deliveries import Subscription
from sandbox.devops.identities import ENGINEER
from sandbox.faults import Fault
from tests.setup.place import POLICY, Place, Told

SUBJECT = "sc://bottling/Vision"
END = {
    "pipelines": [
        (f"spotter-{name}", f"infra/provision/pipelines/{name}.yml")
        for name in ("edge", "infrastructure", "publish")
    ],
    "connections": {
        "aml-workspace-connection": ("bottling-line", ["spotter-publish"]),
        "edge-connection": ("bottling-line", ["spotter-edge"]),
        "spotter": ("https://spotter.example", ["spotter-edge"]),
    },
    "checks": [
        ("edge-connection", "refs/heads/main"),
        ("line-1-all", "/checks/deployment"),
        ("line-1-canary", "/checks/deployment"),
    ],
    "environments": [
        ("infrastructure", "spotter-infrastructure"),
        ("line-1-all", "spotter-edge"),
        ("line-1-canary", "spotter-edge"),
    ],
    "trust": {
        "spotter-publish": [("azure-devops", f"{SUBJECT}/aml-workspace-connection")],
        "spotter-edge": [("azure-devops", f"{SUBJECT}/edge-connection")],
    },
    "hooks": [
        (f"ms.vss-{event}", "https://spotter.example/hooks/devops", "enabled")
        for event in (
            "pipelinechecks-events.approval-pending",
            "pipelines.run-state-changed-event",
            "pipelines.stage-state-changed-event",
        )
    ],
    "datastore": ("edgevisionstorage", "captures", "WorkspaceSystemAssignedIdentity"),
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


def test_killed_at_any_write_and_run_again_it_comes_to_the_same_end(place: Place) -> None:
    """Each process gets on to the write at which the next fault waits."""
    for faults, method, path, before in (
        (place.devops.faults, "POST", r"/pipelines\?", True),
        (place.devops.faults, "POST", r"/pipelines\?", False),
        (place.devops.faults, "POST", r"/environments\?", False),
        (place.devops.faults, "PATCH", "/pipelinepermissions/environment/", True),
        (place.devops.faults, "POST", "/hooks/subscriptions", False),
        (place.devops.faults, "POST", r"/endpoints\?", False),
        (place.devops.faults, "PATCH", "/pipelinepermissions/endpoint/", False),
        (place.azure.faults, "PUT", "/federatedIdentityCredentials/", True),
        (place.azure.faults, "PUT", "/federatedIdentityCredentials/", False),
        (place.azure.faults, "PUT", "/datastores/", False),
        (place.azure.faults, "PUT", "/computes/", False),
        (place.devops.faults, "POST", "/checks/configurations", False),
    ):
        place.killed_at(faults.arm(Fault(method, path, "hang_before" if before else "hang_after")))
    finished = place.apply()
    assert (finished.code, finished.err) == (0, "")
    assert place.end() == END
    written = len(place.writes())
    assert place.apply().code == 0
    assert len(place.writes()) == written


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


def test_lost_answers_leave_nothing_out_and_double_nothing(place: Place) -> None:
    place.devops.faults.arm(Fault("POST", r"/environments\?", "drop_before"))
    for method in ("POST", "PUT", "PATCH"):
        place.devops.faults.arm(Fault(method, "/_apis/", "drop_after", times=50))
        place.azure.faults.arm(Fault(method, "/providers/", "drop_after", times=50))
    applied = place.apply()
    assert (applied.code, applied.err) == (0, "")
    assert place.end() == END


def test_what_differs_is_shown_and_put_right(place: Place) -> None:
    place.apply()
    organisation, workspace = place.devops.organisation, place.azure.workspace
    next(p for p in organisation.pipelines.values() if p.name == "spotter-publish").path = "old.yml"
    connection = organisation.resources.endpoint("edge-connection")
    environment = organisation.resources.environment("line-1-all")
    identity = workspace.identities.get("spotter-publish")
    assert connection and environment and identity
    connection.body["data"]["mlWorkspaceName"] = "old-workspace"
    organisation.resources.permissions("environment", str(environment.id)).pipelines.clear()
    identity.credentials["azure-devops"] = replace(identity.credentials["azure-devops"], subject="sc://old")
    runs, stages, _ = sorted(place.devops.hooks.subscriptions.values(), key=lambda hook: hook.created)
    twice = Subscription(runs.body, runs.created_by)
    place.devops.hooks.subscriptions[twice.id] = twice
    stages.status = "disabledBySystem"
    checks = organisation.resources.checks
    branches, canary, every = (checks[number] for number in sorted(checks))
    branches.settings["inputs"]["allowedBranches"] = "refs/heads/main, refs/heads/try/*"
    canary.settings["inputs"]["headers"] = json.dumps({"X-Spotter-Secret": "of last year"})
    checks[9] = replace(every, id=9)
    workspace.storage.stores["edgevisionstorage"].service_identity = "None"
    place.azure.studio.resize("gpu-cluster", 1, 2)
    assert marked(place.plan(), "~") == snapshot("""\
~ spotter-publish           runs old.yml instead of publish.yml
~ line-1-all                spotter-edge may not use it yet
~ runs                      2 times to https://spotter.example/hooks/devops
~ stages                    is switched off
~ edge-connection           leads elsewhere: another workspace
~ edge-connection           is for other branches than main alone
~ spotter-publish           trusts another connection
~ edgevisionstorage         the studio does not browse it as the workspace yet
~ gpu-cluster               1 to 2 nodes, idle 180\xa0s; wanted 0 to 5 nodes,
~ line-1-canary             asks in another way
~ line-1-all                asks 2 times\
""")
    applied = place.apply()
    assert (applied.code, applied.err) == (0, "")
    assert marked(applied, "✓", "changed: ") == snapshot("""\
✓ spotter-publish           changed: from publish.yml
✓ line-1-all                changed: for spotter-edge
✓ runs                      changed: to https://spotter.example/hooks/devops
✓ stages                    changed: to https://spotter.example/hooks/devops
✓ edge-connection           changed: acts as spotter-edge, for spotter-edge
✓ edge-connection           changed: for branch main alone
✓ spotter-publish           changed: trusts aml-workspace-connection
✓ edgevisionstorage         changed: on edgevisionstorage/captures, without a
✓ gpu-cluster               changed: Standard_NC4as_T4_v3, 0 to 5 nodes, idle
✓ line-1-canary             changed: asks Spotter
✓ line-1-all                changed: asks Spotter\
""")
    assert place.end() == END
    written = len(place.writes())
    place.apply()
    assert len(place.writes()) == written


def test_what_this_identity_may_not_do_is_told_with_page_and_values(place: Place) -> None:
    rights = (
        "Microsoft.MachineLearningServices/workspaces/computes/write",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    )
    for right in rights:
        place.azure.studio.forbid(right)
    refused = json.dumps({"typeKey": "AccessCheckException", "message": "TF50309: Create environments: no."})
    place.devops.faults.arm(Fault("POST", r"/environments\?", "answer", times=3, status=403, body=refused))
    applied = place.apply()
    assert (applied.code, applied.err) == (1, "")
    assert applied.out.partition("  For a person\n")[2] == snapshot("""\

  1. Create the environment infrastructure, and under ⋮ → Security → Pipeline
     permissions add spotter-infrastructure
     https://dev.azure.com/bottling/Vision/_environments
     Name                  infrastructure
     Resource              None
     Pipeline permissions  spotter-infrastructure

  2. Create the environment line-1-canary, and under ⋮ → Security → Pipeline
     permissions add spotter-edge
     https://dev.azure.com/bottling/Vision/_environments
     Name                  line-1-canary
     Resource              None
     Pipeline permissions  spotter-edge

  3. Create the environment line-1-all, and under ⋮ → Security → Pipeline
     permissions add spotter-edge
     https://dev.azure.com/bottling/Vision/_environments
     Name                  line-1-all
     Resource              None
     Pipeline permissions  spotter-edge

  4. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     https://dev.azure.com/bottling/_settings/buildqueue?_a=concurrentJobs

  5. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     https://dev.azure.com/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  6. Let spotter-publish trust aml-workspace-connection: Federated credentials →
     Add credential → Other issuer
     https://portal.azure.com/#@3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10/resource/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourceGroups/spotter-sandbox/providers/Microsoft.ManagedIdentity/userAssignedIdentities/spotter-publish/overview
     Issuer              https://vstoken.dev.azure.com/934f8d62-eaef-5dab-aece-9add91890bca
     Subject identifier  sc://bottling/Vision/aml-workspace-connection
     Name                azure-devops
     Audience            api://AzureADTokenExchange

  7. Let spotter-edge trust edge-connection: Federated credentials → Add
     credential → Other issuer
     https://portal.azure.com/#@3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10/resource/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourceGroups/spotter-sandbox/providers/Microsoft.ManagedIdentity/userAssignedIdentities/spotter-edge/overview
     Issuer              https://vstoken.dev.azure.com/934f8d62-eaef-5dab-aece-9add91890bca
     Subject identifier  sc://bottling/Vision/edge-connection
     Name                azure-devops
     Audience            api://AzureADTokenExchange

  8. Let yourself, who runs this, read the pictures: Access control (IAM) → Add
     role assignment
     https://portal.azure.com/#@3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10/resource/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourceGroups/spotter-sandbox/providers/Microsoft.Storage/storageAccounts/edgevisionstorage/users
     Role    Storage Blob Data Reader
     Member  yourself

  9. Create the compute cluster gpu-cluster: New → Dedicated, GPU
     https://ml.azure.com/compute/list/training?wsid=/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourcegroups/spotter-sandbox/workspaces/bottling-line
     Location                        westeurope
     Virtual machine size            Standard_NC4as_T4_v3
     Compute name                    gpu-cluster
     Minimum number of nodes         0
     Maximum number of nodes         5
     Idle seconds before scale down  180
     Identity                        User-assigned, spotter-training

  Put right what failed, then run this again: it goes on where it stands.

""")
    assert marked(applied, "✗") == snapshot("""\
✗ infrastructure            this identity may not: TF50309: Create
✗ line-1-canary             this identity may not: TF50309: Create
✗ line-1-all                this identity may not: TF50309: Create
✗ spotter-publish           this identity may not: it lacks the right
✗ spotter-edge              this identity may not: it lacks the right
✗ gpu-cluster               this identity may not: it lacks the right\
""")
    for right in rights:
        place.azure.studio.allow(right)
    assert place.apply().code == 0
    assert place.end() == END


def test_what_only_a_person_can_decide_stays_as_it_is(place: Place) -> None:
    studio, organisation = place.azure.studio, place.devops.organisation
    studio.add_datastore("edgevisionstorage", "another", "captures")
    studio.add_cluster("gpu-cluster", "Standard_DS3_v2", 0, 5)
    studio.set_quota("Standard NCASv3_T4 Family", 4)
    body = {"type": "azurerm", "data": {}, "authorization": {"scheme": "ServicePrincipal", "parameters": {}}}
    organisation.resources.add_endpoint(
        "edge-connection", {**body, "serviceEndpointProjectReferences": []}, ENGINEER
    )
    place.says('[targets.line-9]\nchannel = "C0LINEVIS1"\n')
    assert marked(place.plan(HOOKS_SECRET=""), "!") == snapshot("""\
! edge.yml                  does not list line-9
! Azure Pipelines           no run has succeeded yet that would prove them
! runs                      HOOKS_SECRET is not set here
! stages                    HOOKS_SECRET is not set here
! approvals                 HOOKS_SECRET is not set here
! azure-resource-connection deploys the infrastructure, so only an owner can
! edge-connection           signs in by ServicePrincipal
! edgevisionstorage         is on another/captures, not on
! line-1/*.png              no picture has such a path
! gpu-cluster               has STANDARD_DS3_V2, not Standard_NC4as_T4_v3
! Standard_NC4as_T4_v3      4 vCPUs; 5 nodes need 20
! line-1-canary             HOOKS_SECRET is not set here
! line-1-all                HOOKS_SECRET is not set here
! line-9-canary             HOOKS_SECRET is not set here
! line-9-all                HOOKS_SECRET is not set here\
""")
    place.says(
        """[provision]
repository = "vision"
identity = "nobody"
picture_accounts = ["lastyear"]
[provision.datastore]
name = "pictures"
account = "nowhere"
[provision.cluster]
name = "gpu-retired"
vm_size = "Standard_NC6"
[targets.line-1]
channel = "C0LINEVIS1"
"""
    )
    place.apply()
    planned = place.plan()
    assert marked(planned, "!") == snapshot("""\
! variables.yml             says otherwise: AML_COMPUTE_CLUSTER_NAME, VM_SIZE,
! Azure Pipelines           no run has succeeded yet that would prove them
! azure-resource-connection deploys the infrastructure, so only an owner can
! aml-workspace-connection  there is no identity nobody to act as
! edge-connection           signs in by ServicePrincipal
! spotter-training          lacks 2 roles
! **/*.jpg                  there is no nowhere/captures
! gpu-retired               Standard_NC6 is of the series NC (K80), retired on
! every ring                no check asks Spotter before it ships\
""")
    assert planned.out.partition("  For a person\n")[2] == snapshot("""\

  1. Correct variables.yml, or the settings under [provision], so that both say
     the same
     https://dev.azure.com/bottling/Vision/_git/vision?path=/infra/provision/pipelines/variables.yml&version=GBmain
     AML_COMPUTE_CLUSTER_NAME  gpu-retired
     VM_SIZE                   Standard_NC6
     CAPTURE_DATASTORE         pictures
     PICTURE_ACCOUNTS          lastyear

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

  4. Run the infrastructure pipeline, which makes the identity nobody and gives
     it its roles
     https://portal.azure.com/#@3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10/resource/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourceGroups/spotter-sandbox/overview
     Resource group  spotter-sandbox
     Identity        nobody

  5. Convert edge-connection to workload identity federation (Convert, on its
     page), or delete it
     https://dev.azure.com/bottling/Vision/_settings/adminservices?resourceId=…

  6. Run the infrastructure pipeline, which gives spotter-training its roles;
     or, as an owner, on each resource: Access control (IAM) → Add role
     assignment → Managed identity
     https://portal.azure.com/#@3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10/resource/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourceGroups/spotter-sandbox/overview
     Storage Blob Data Reader  on storage nowhere
     Storage Blob Data Reader  on storage lastyear

  7. See that storage account nowhere has the container captures
     https://portal.azure.com/#@3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10/resource/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourceGroups/spotter-sandbox/providers/Microsoft.Storage/storageAccounts/nowhere/containersList

  8. Choose a size with a GPU that the region offers, and set it as
     [provision.cluster] vm_size
     https://ml.azure.com/compute/list/training?wsid=/subscriptions/8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3/resourcegroups/spotter-sandbox/workspaces/bottling-line
     Region  westeurope

  9. Set [provision] public_url and HOOKS_SECRET, so that every ring's
     environment asks the bot; or put an approval of your own on each
     https://dev.azure.com/bottling/Vision/_environments

  Run this again when that is done.

""")


def test_at_the_door(place: Place) -> None:
    """What nothing can be done without: one sentence each, and nothing is touched."""
    pat = place.devops.portal.pat
    place.devops.portal.expire_pat()
    told = [
        place.apply(AZURE_DEVOPS_EXT_PAT=pat),
        place.apply(AZURE_DEVOPS_PROJECT="gone"),
        place.apply(AZURE_DEVOPS_ORG_URL=""),
        place.apply(AZURE_SUBSCRIPTION_ID="8b6f1c52-40d8-4a3c-9f0e-000000000000"),
        place.apply(AZURE_SUBSCRIPTION_ID=""),
    ]
    place.says(POLICY.replace('"vision"', '"gone"').lstrip())
    told.append(place.apply())
    place.says("[provision]\n")
    told.append(place.apply())
    place.policy.write_text("")
    told.append(place.apply())
    assert [each.code for each in told] == [1] * len(told)
    assert [each.out for each in told] == [""] * len(told)
    assert "".join(each.err for each in told) == snapshot("""\
spotter: Azure DevOps does not accept the personal access token: it has expired or was revoked, or belongs to another organisation. Make a new one for AZURE_DEVOPS_EXT_PAT, or leave it out and use an Entra identity.
spotter: Project gone has no repository vision that this identity may see: TF200016: The following project does not exist: gone. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server. Correct [provision] repository, or AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT.
spotter: Where the pipelines are is not set. Set AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT.
spotter: There is no subscription 8b6f1c52-40d8-4a3c-9f0e-000000000000 that this identity may see: The subscription '8b6f1c52-40d8-4a3c-9f0e-000000000000' could not be found. Correct AZURE_SUBSCRIPTION_ID, or sign in with another identity.
spotter: These settings are missing or wrong: AZURE_SUBSCRIPTION_ID (field required). Set them in the environment or in .env.
spotter: Project Vision has no repository gone that this identity may see: TF401019: The Git repository with name or identifier gone does not exist or you do not have permissions for the operation you are attempting. Correct [provision] repository, or AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT.
spotter: spotter.toml has settings that Spotter does not take: provision.repository: field required. Correct them.
spotter: The policy does not say what to provision. Add a table [provision] with repository = "…", the repository in Azure Repos that holds Spotter's files.
""")
    assert place.writes() == []


def marked(told: Told, mark: str, words: str = "") -> str:
    """The first lines of all things with this mark."""
    line = re.compile(rf"^  ({re.escape(mark)} [^\d ]\S* .*{words}.*)$", re.MULTILINE)
    return "\n".join(line.findall(told.out))

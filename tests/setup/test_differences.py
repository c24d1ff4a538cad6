"""What stands otherwise than it should: shown, put right, or left to a person."""

import json
from dataclasses import replace

from inline_snapshot import snapshot

from sandbox.devops.deliveries import Subscription
from sandbox.devops.identities import ENGINEER
from tests.setup.place import END, Place, marked


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

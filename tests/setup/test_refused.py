"""What stands in the way of `spotter provision`: rights, addresses, settings."""

import json

from inline_snapshot import snapshot

from sandbox.faults import Fault
from tests.setup.place import END, POLICY, Place, marked


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

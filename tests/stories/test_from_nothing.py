"""A team that has deployed the infrastructure and nothing else: provision, publish, label, train."""

import re
from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.azure.deployed import capture, deploy
from sandbox.line.exports import DATASTORE
from sandbox.world import World
from tests.stories.conftest import Template
from tests.stories.labeling import steady_names
from tests.stories.stage import Stage, steady

PROVISION = """
[provision]
repository = "vision"

[provision.datastore]
account = "edgevisionstorage"
path = "line3/**/*.jpg"

[targets.line-1]"""


def test_from_an_empty_workspace_to_the_first_model(
    new_stage: Callable[..., Stage], template: Template
) -> None:
    line = template.workspace

    def deployed(world: World) -> None:
        deploy(world.azure)
        capture(world.azure, line.stores[DATASTORE].folder)

    policy = {"[targets.line-1]": PROVISION}
    stage = new_stage(furnished=False, before=deployed, policy=policy, start=False)
    stage.world.push(stage.bot.log_file.with_name("spotter.toml"))

    told = stage.bot.tells("provision", "apply", COLUMNS="80")
    assert without_ports(told) == snapshot("""\

  bottling-line in spotter-sandbox, westeurope
  Vision at http://127.0.0.1:<port>/bottling, repository vision

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

  Service connections
  ! azure-resource-connection deploys the infrastructure, so only an owner can
                              make it
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
  ✓ line3/**/*.jpg            line3/2026/11/cam2_01060000_000000.jpg,
                              line3/2026/11/cam2_01062500_000001.jpg,
                              line3/2026/11/cam2_01065000_000002.jpg, …

  GPU cluster
  ✓ gpu-cluster               made: Standard_NC4as_T4_v3, 0 to 5 nodes, idle
                              180\xa0s

  Quota
  ✓ Standard_NC4as_T4_v3      20 of 24 vCPUs

  Approval checks
  ! every ring                no check asks Spotter before it ships

  13 made   ! 3 for a person   ✓ 7 as wanted

  For a person

  1. See that private projects have at least one Microsoft-hosted parallel job;
     a new organisation asks for its free one under Request, or buys one under
     Change
     http://127.0.0.1:<port>/bottling/_settings/buildqueue?_a=concurrentJobs

  2. Create the service connection azure-resource-connection: New service
     connection → Azure Resource Manager → App registration (automatic),
     workload identity federation; then give it both roles on the resource group
     http://127.0.0.1:<port>/bottling/Vision/_settings/adminservices
     Scope level     Subscription
     Subscription    Bottling line (8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3)
     Resource group  spotter-sandbox
     Name            azure-resource-connection
     Roles           Contributor and Role Based Access Control Administrator

  3. Set [provision] public_url and HOOKS_SECRET, so that every ring's
     environment asks the bot; or put an approval of your own on each
     http://127.0.0.1:<port>/bottling/Vision/_environments

  Run this again when that is done.

""")
    writes = len(changes(stage))
    stage.bot.tells("provision", "apply")
    assert len(changes(stage)) == writes

    stage.bot.start()
    stage.knows_the_commit("Train object-detection models with Spotter")
    stage.trainer.types("/publish")
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("Publish the training pipeline from main"))
    stage.line.shows("Publishing main: ").becomes(r"Training pipeline version \d+ published")

    azure = stage.world.azure.studio
    shot = line.labeling["caps"]
    azure.add_labeling_project("caps", DATASTORE, [*shot.labelled, *shot.waiting])
    azure.label("caps", 60)
    stage.until(lambda: "60 of" in exports(stage), "the labels show up")
    stage.trainer.clicks("Export labels", on=stage.trainer.sees("Labeling projects"))
    news = stage.line.shows(r"# caps_\d{8}_\d{6}")
    assert steady_names(steady(news.text)) == snapshot("""\
# caps_<made now>: 60 images, 215 boxes, ready to train
cap_missing 75, cap_on 140
(bar chart: Boxes per class: fairly even)
  Boxes: cap_on 140, cap_missing 75
New labeling export by Line engineer <time>
[Train]\
""")

    stage.trainer.clicks("Train", on=news)
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Model name": "Cap_Model", "GPU cluster": "gpu-cluster"})
    form.submits()
    told = stage.line.shows(r"Cap_Model v1 registered[\s\S]*held-out pictures of").text
    assert steady_names(steady(told)) == snapshot("""\
# Cap_Model v1 registered: mAP 0.xxx, the first version
Metric    | v1
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
It was measured on 16 held-out pictures of caps_<made now>:1. Found worst: cap_missing, average precision 0.xxx over 16 boxes.
(image: v1 on some of 16 held-out pictures. <what was found>)
Trained for trainer in <duration> on caps_<made now>, on gpu-cluster · epoch <n> of the best trial · run cap_model-<id>
[Deploy …] [Precision and recall] [Open in studio]\
""")


def without_ports(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:<port>", text)


def exports(stage: Stage) -> str:
    stage.trainer.types("/exports")
    return stage.trainer.sees("labeling export").text


def changes(stage: Stage) -> list[str]:
    """Every request so far that would change something in Azure or Azure DevOps."""
    entries = [*stage.world.azure_faults.log(), *stage.world.devops_faults.log()]
    return [entry.path for entry in entries if entry.method not in ("GET", "HEAD", "OPTIONS")]

"""`spotter doctor`: it sees everything, changes nothing, and says what to do."""

import json
import re
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from inline_snapshot import snapshot

from infra.azureml.jobs import REQUEST_TAG
from sandbox.azure.runs import Run
from sandbox.devops.identities import QUEUE_BUILDS
from sandbox.faults import Fault
from sandbox.world import World
from storage import migrate
from storage.database import Store
from tests.stories.stage import Stage

ASKED_OF_SLACK = {
    "auth.test",
    "apps.connections.open",
    "conversations.history",
    "usergroups.list",
    "users.info",
}
PROVISION = """
[provision]
repository = "vision"
public_url = "https://spotter.example"
[provision.datastore]
account = "edgevisionstorage"

"""
IN_ITS_FOLDER = {"SPOTTER_CONFIG": "spotter.toml", "DATABASE_URL": "sqlite:///spotter.db"}
ONLY_ASKS = re.compile(r"/devices/query|/oauth2/")
CHANGING = re.compile(
    r"(?<=clock is )\d+|\d{4}-\d\d-\d\d|\d\d:\d\d(?= UTC)|(?<=needs )\d{4}|(?<=revision )\d{4}|(?<=All )\d+"
    r"|(?<=localhost:)\d+|(?<=127.0.0.1:)\d+"
)


def test_the_doctor_finds_all_in_order_and_leaves_no_trace(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(
        policy={'deploy = ["S0TRAINERS"]': 'deploy = ["U0TRAINER1"]', "[training]": f"{PROVISION}[training]"},
        before=furnished,
        start=False,
        lines={"line-1": 2},
        HOOKS_SECRET="a secret of twenty letters",
    )
    folder = stage.bot.log_file.parent
    before = sorted(folder.iterdir())

    code, told = doctor(stage)

    assert code == 0, told
    assert max(len(line) for line in told.splitlines()) <= 80
    assert CHANGING.sub("…", told) == snapshot("""\
Settings
  – skipped  .env: There is none in this folder; the environment alone counts.
  ✓ ok       Environment: Everything that Spotter needs is set.
  ✓ ok       Policy: spotter.toml is understood.
  ✓ ok       Hooks: There is a secret for those who push news.

Slack
  ✓ ok       Bot token: @spotter in Bottling plant (http://127.0.0.1:…/).
  ✓ ok       Clock: Within seconds of theirs.
  ✓ ok       Scopes: All … are there.
  ✓ ok       Socket Mode: Slack offers a connection, so no public address is
             needed.
  – skipped  Slash commands: Which slash commands the app has cannot be read
             with a bot's token.
             → After an update of Spotter, put what `spotter manifest` prints
               under App Manifest again.
  ✓ ok       Channel C0LINEVIS1: Spotter is in it; new versions are announced
             and approvals for line-1 are asked for there.
  ✓ ok       Role view: Everyone has it.
  ✓ ok       Role train: @trainers (2).
  ✓ ok       Role publish: @trainers (2).
  ✓ ok       Role deploy: @trainer.
  ✓ ok       Role approve: @edge-approvers (2).
  ✓ ok       Target line-1, approvers: @edge-approvers (2).
  ✓ ok       Target line-1, override: @first_approver.

Azure Machine Learning
  ✓ ok       Sign-in: As object id 5d0b3c0a-2f47-4f9b-9a58-0f6c3d1e7a21, in
             tenant 3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10.
  ✓ ok       Workspace: bottling-line in westeurope.
  ✓ ok       Clock: Within seconds of theirs.
  ✓ ok       Run history: At https://localhost:….
  ✓ ok       Role AzureML Data Scientist: All … actions that Spotter needs are
             allowed.
  ✓ ok       Role Storage Blob Data Reader: Labels and logs in bottlinglinestore
             may be read.
  ✓ ok       GPU clusters: gpu-cluster (STANDARD_NC4AS_T4_V3, up to 4 nodes);
             gpu-frozen (at most 0 nodes); gpu-small (STANDARD_NC4AS_T4_V3, up
             to 1 nodes).
  ✓ ok       Labeling exports: 6 found; the newest, caps_20261116_143000, is of
             the type mltable, with 240 images and 2 classes.
  ✓ ok       Training pipeline: spotter_training version 1, since …
             … UTC.
  – skipped  Trainings so far: There is none, so this was not tried: that a job
             is taken as the pipeline describes it, that asking twice makes one
             job, that the list of jobs finds it, and that cancelling reaches
             its trials.
             → Train once with a small search, and cancel another training,
               before you rely on Spotter.

Azure DevOps
  ✓ ok       Project: Vision at http://127.0.0.1:…/bottling.
  ✓ ok       Pipeline spotter-publish: infra/provision/pipelines/publish.yml on
             main takes correlationId from Spotter.
  ✓ ok       Pipeline spotter-edge: infra/provision/pipelines/edge.yml on main
             takes modelName, modelVersion, target, ring and correlationId from
             Spotter.
  ✓ ok       Pipeline spotter-infrastructure:
             infra/provision/pipelines/infrastructure.yml on main needs nothing
             from Spotter.
  ✓ ok       Connection aml-workspace-connection: It signs in by
             WorkloadIdentityFederation, and spotter-publish may use it.
  ✓ ok       Connection edge-connection: It signs in by
             WorkloadIdentityFederation, and spotter-edge may use it.
  ✓ ok       Connection azure-resource-connection: It signs in by
             WorkloadIdentityFederation, and spotter-infrastructure may use it.
  ✓ ok       Branches of edge-connection: Runs of main alone may use it.
  ✓ ok       Environment line-1-canary: It waits for an approval in Azure
             DevOps, and spotter-edge may use it.
  ✓ ok       Environment line-1-all: It waits for an approval in Azure DevOps,
             and spotter-edge may use it.

IoT Hub
  ✓ ok       Hub: bottling-line.azure-devices.net has 2 edge devices; 0
             deployments are Spotter's.
  ✓ ok       Target line-1: Devices: 1 in ring canary, 2 in ring all.

Database
  ✓ ok       Reachable: spotter.db is not there yet; `spotter run` makes it.
  ✓ ok       Schema: Empty; `spotter run` brings it to revision ….
  ✓ ok       In use: By nobody.
  – skipped  Audit trail: There is none yet.

Spotter can run. 4 skipped, 39 ok.
""")

    assert sorted(folder.iterdir()) == before, "doctor made or removed a file"
    world = stage.world
    asked = {entry.path.partition("?")[0] for entry in world.slack_faults.log("*", "^/api/")}
    assert {path.removeprefix("/api/") for path in asked} == ASKED_OF_SLACK
    for faults in (world.azure_faults, world.devops_faults, world.edge_faults):
        assert faults.log(), "this twin was not asked at all"
        assert not [
            entry for entry in faults.log() if entry.method != "GET" and not ONLY_ASKS.search(entry.path)
        ]

    _, of_all, of_connection = world.devops.organisation.resources.checks.values()
    of_all.type, of_all.settings = of_connection.type, deepcopy(of_connection.settings)
    of_connection.settings["inputs"]["allowedBranches"] += ", refs/heads/try"
    world.azure_faults.arm(Fault("GET", "^/subscriptions/", "hang_before", times=1000))
    started = time.monotonic()
    code, told = doctor(stage, "--json", "--patience", "3")

    assert code == 2
    assert time.monotonic() - started < 60
    found = troubles(code, told)[1]
    assert [line for line in found if line.startswith("warning")] == snapshot(
        [
            "warning devops.branches.edge-connection: Not only runs of main may use it, so an edited copy of the pipeline on another branch ships past the checks of the environments. → On its page: ⋮ → Approvals and checks → Branch control, refs/heads/main. `spotter provision apply` makes it.",
            "warning devops.environment.line-1-all: None of its checks is a gate, so whoever may run spotter-edge ships without an approval. → Let it ask Spotter (Approvals and checks → Invoke REST API, /checks/deployment), or add an approval of your own. With [provision] public_url and HOOKS_SECRET set, `spotter provision apply` makes it.",
        ]
    )
    states = {finding["id"]: finding["state"] for finding in json.loads(told)["findings"]}
    assert (states["azure.sign-in"], states["azure.workspace"], states["azure.exports"]) == (
        "ok",
        "unknown",
        "skipped",
    )
    others = {state for name, state in states.items() if not name.startswith("azure.")}
    assert others == {"ok", "skipped", "warning"}


def test_every_trouble_is_told_with_its_remedy(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(
        policy={
            'deploy = ["S0TRAINERS"]': 'deploy = ["U0NOBODY00"]',
            'models = "C0LINEVIS1"': 'models = "C0GENERAL1"\n[exports]\npattern = "never_.*"',
            "[training]": '[training]\ncomponent = "spotter_other"',
        },
        before=furnished,
        start=False,
    )
    world = stage.world
    store = Store(stage.bot.environment["DATABASE_URL"])
    migrate.upgrade(store, "0001")
    store.close()
    world.slack.app.scopes.remove("usergroups:read")
    world.azure.studio.forbid("Microsoft.MachineLearningServices/workspaces/jobs/write")
    world.azure.studio.forbid("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")
    world.azure.studio.set_quota("Standard NCASv3_T4 Family", 0)
    rewrite(stage, "publish.yml", "correlationId", "correlation")
    rewrite(stage, "edge.yml", "      - line-1\n", "")
    late = {"Date": format_datetime(datetime.now(UTC) + timedelta(minutes=7), usegmt=True)}
    world.slack_faults.arm(Fault("*", "auth.test", "headers", headers=late))
    (stage.bot.log_file.parent / ".env").write_text("SLACK_BOT_TOKN=xoxb-1\n")

    assert troubles(*doctor(stage, "--json")) == snapshot(
        (
            1,
            [
                "warning settings.env-file: Spotter does not know SLACK_BOT_TOKN (did you mean SLACK_BOT_TOKEN?). → Correct the name, or take the line away.",
                "problem slack.clock: This machine's clock is … s behind theirs. Signatures and tokens are refused. → Let the machine keep time, for example with chrony or systemd-timesyncd.",
                "problem slack.scopes: Missing: usergroups:read (looks up who may train, publish, deploy and approve). → At api.slack.com/apps, put what `spotter manifest` prints under App Manifest, save, and install the app again.",
                "problem slack.channel.C0GENERAL1: Spotter is not in it, but new versions are announced there. → In that channel, type /invite @Spotter.",
                "problem slack.role.deploy: There is no person U0NOBODY00. → Correct [roles] deploy in spotter.toml. The id is in the ⋯ menu of a group, or of a person's profile.",
                "problem azure.role.workspace: Spotter may not start trainings. → Give its identity the role AzureML Data Scientist on bottling-line: Access control (IAM) → Add.",
                "problem azure.role.storage: Spotter may not read what lies in the storage account bottlinglinestore: labels, logs and metrics. → Give its identity the role Storage Blob Data Reader there: Access control (IAM) → Add.",
                "problem azure.clusters: None can be used: gpu-cluster (a node needs 4 vCPUs, and the quota of Standard NCASv3_T4 Family Cluster Dedicated vCPUs is 0); gpu-frozen (at most 0 nodes); gpu-small (a node needs 4 vCPUs, and the quota of Standard NCASv3_T4 Family Cluster Dedicated vCPUs is 0). → Correct them in the studio: Compute → Compute clusters, or Quota → Request quota.",
                "problem azure.exports: None of 5 tables matches never_.*: caps_20261116_143000, caps_nightshift_20261113_220110, caps_crooked_20261109_101204, caps_unlabelled_20261105_070500 or caps_20261102_081530. → Correct [exports] pattern in spotter.toml, so that it matches the whole name of an export.",
                "problem azure.component: spotter_other is not published, so nothing can be trained. → Publish it: `spotter publish-pipeline --version 1`, or /publish in Slack.",
                "problem devops.pipeline.publish: infra/provision/pipelines/publish.yml on main does not declare correlationId. → Declare correlationId under parameters, as infra/provision/pipelines has it.",
                "problem devops.pipeline.edge: infra/provision/pipelines/edge.yml on main does not take target line-1. → Add it to the values there: spotter.toml has it as a target.",
                'warning iothub.target.line-1: Devices: 0 in ring canary, 0 in ring all. → Give each device twin the tags "target": "line-1" and, for the first ones, "ring": "canary".',
                "warning database.schema: Revision 0001; this Spotter needs …. → `spotter run` migrates it at its next start. Make a backup first.",
            ],
        )
    )

    world.slack.app.revoke()
    settings = {
        "SLACK_APP_TOKEN": "xapp-1-wrong",
        "IDENTITY_HEADER": "wrong",
        "AZURE_DEVOPS_EXT_PAT": "wrong",
        "AZURE_SUBSCRIPTION_ID": "Bottling line",
        "DATABASE_URL": "oracle://nowhere",
        "SPOTTER_CONFIG": "elsewhere.toml",
        "IOTHUB_HOSTNAME": "https://bottling-line.azure-devices.net/",
        "PORT": "eighty",
    }
    assert troubles(*doctor(stage, "--json", **settings)) == snapshot(
        (
            1,
            [
                "warning settings.env-file: Spotter does not know SLACK_BOT_TOKN (did you mean SLACK_BOT_TOKEN?). → Correct the name, or take the line away.",
                "problem settings.value.AZURE_SUBSCRIPTION_ID: It cannot be 'Bottling line'. → It is the subscription's id, not its name: `az account show --query id`.",
                "problem settings.value.IOTHUB_HOSTNAME: It cannot be 'https://bottling-line.azure-devices.net/'. → It is a host name alone, such as plant.azure-devices.net.",
                "problem settings.value.PORT: Input should be a valid integer, unable to parse string as an integer. → Correct it.",
                "problem settings.policy: There is no policy file elsewhere.toml. → Name the right one in SPOTTER_CONFIG, or write one: `spotter init`.",
                "problem slack.bot-token: The token was revoked. → Install the app again and copy the new token.",
                "problem slack.socket-mode: Slack does not know the token. → Copy it again from the app's page.",
                "problem azure.sign-in: Azure does not let Spotter in: ManagedIdentityCredential: App Service managed identity configuration not found in environment. Token request error: (invalid_scope) 401, The caller did not prove that it runs here. → Run where there is a managed identity, sign in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
                "problem devops.project: Azure DevOps does not accept the personal access token: it has expired or was revoked, or belongs to another organisation. Make a new one for AZURE_DEVOPS_EXT_PAT, or leave it out and use an Entra identity. → Add Spotter's identity to the organisation with access to the project, or set a new AZURE_DEVOPS_EXT_PAT (Build: read and execute; Code, Environment, Service connections: read).",
                "problem iothub.hub: 'https://bottling-line.azure-devices.net/' is no host name of an IoT Hub, such as plant.azure-devices.net. → Check IOTHUB_HOSTNAME.",
                "problem database.reachable: DATABASE_URL is not the address of a database that Spotter can use. → Such as sqlite:///spotter.db or postgresql://spotter@host/spotter.",
            ],
        )
    )

    rewrite(stage, "publish.yml", "correlation", "correlationId")
    world.devops.organisation.access.deny(QUEUE_BUILDS, 1)
    toml = stage.bot.log_file.parent / "spotter.toml"
    toml.write_text(
        toml.read_text()
        .replace("spotter_other", "spotter_training")
        .replace("max_trials = 2", "max_trials = 3")
    )
    over_http = {
        "SLACK_BOT_TOKEN": world.slack.app.bot_token,
        "SLACK_APP_TOKEN": "",
        "SLACK_SIGNING_SECRET": "not a secret",
    }
    for number, status in enumerate(("Completed", "Completed", "Failed")):
        tags = {REQUEST_TAG: str(number)}
        world.azure.workspace.runs.add(Run(f"caps-{number}", "pipeline", "spotter", status=status, tags=tags))
    world.azure.workspace.runs.add(Run("of-someone-else", "pipeline", "spotter", status="Running"))
    code, told = doctor(stage, "--json", **over_http)
    seen = {finding["id"]: finding["seen"] for finding in json.loads(told)["findings"]}
    assert seen["azure.trainings"] == snapshot(
        "2 completed, 1 failed, found by their tag. Not seen yet: that cancelling reaches the trials."
    )
    found = troubles(code, told)[1]
    assert [
        line for line in found if re.search("http-mode|azure.component|pipeline.publish", line)
    ] == snapshot(
        [
            "warning slack.http-mode: SLACK_SIGNING_SECRET does not look like one: 32 digits and letters a to f. → Copy it again from api.slack.com/apps, Basic Information.",
            "warning azure.component: spotter_training version 1, since … … UTC, is not what this Spotter would publish from [training]. → Publish again: /publish in Slack, or `spotter publish-pipeline --version` with the next number.",
            "problem devops.pipeline.publish: Spotter may not run it. → On its page: ⋮ → Manage security → Spotter's identity → Queue builds and Stop builds: Allow.",
        ]
    )

    alone = {name: "" for name in stage.bot.environment if name.startswith(("SLACK_", "AZURE", "IOTHUB"))}
    assert troubles(*doctor(stage, "--json", **alone, SPOTTER_CONFIG="", DATABASE_URL="")) == snapshot(
        (
            1,
            [
                "warning settings.env-file: Spotter does not know SLACK_BOT_TOKN (did you mean SLACK_BOT_TOKEN?). → Correct the name, or take the line away.",
                "problem settings.environment: Not set: SLACK_BOT_TOKEN, AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP, AZUREML_WORKSPACE_NAME. → SLACK_BOT_TOKEN: Copy the Bot User OAuth Token from OAuth & Permissions on the app's page. AZURE_SUBSCRIPTION_ID: `az account show --query id` prints it. AZURE_RESOURCE_GROUP: The resource group of the workspace, as the studio's top right corner shows it. AZUREML_WORKSPACE_NAME: The workspace's name, as the studio's top right corner shows it.",
                "warning devops.settings: It is not set up, so nothing is published or shipped from Slack. spotter.toml has targets, though. → Set AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT for that.",
                "warning iothub.settings: It is not set up, so rollouts are not followed. spotter.toml has targets, though. → Set IOTHUB_HOSTNAME for that.",
                "warning database.schema: Revision 0001; this Spotter needs …. → `spotter run` migrates it at its next start. Make a backup first.",
            ],
        )
    )


def furnished(world: World) -> None:
    """The team's repository with its pipelines, their environment for the one target, and a check on it."""
    world.push(world.azure.workspace.root.parent / "spotter.toml")
    portal = world.devops.portal
    for kind in ("publish", "edge", "infrastructure"):
        portal.create_pipeline(f"spotter-{kind}", f"infra/provision/pipelines/{kind}.yml")
    for name, kind in (("aml-workspace", "publish"), ("edge", "edge"), ("azure-resource", "infrastructure")):
        place = world.azure.workspace.place
        portal.add_azure_connection(f"{name}-connection", place.subscription, place.tenant, "an application")
        portal.permit("endpoint", f"{name}-connection", f"spotter-{kind}")
    for ring in ("canary", "all"):
        portal.add_environment(f"line-1-{ring}")
        portal.permit("environment", f"line-1-{ring}", "spotter-edge")
        portal.require_approval(f"line-1-{ring}")
    portal.control_branches("edge-connection", "main")


def rewrite(stage: Stage, name: str, old: str, new: str) -> None:
    """Somebody changes a pipeline's file on main."""
    folder = stage.bot.log_file.parent / "repository"
    file = folder / "infra/provision/pipelines" / name
    file.write_text(file.read_text().replace(old, new))
    stage.world.devops.portal.push("main", folder)


def doctor(stage: Stage, *options: str, **settings: str) -> tuple[int, str]:
    """Its exit code and what it told."""
    done = stage.bot.spotter("doctor", *options, **{**IN_ITS_FOLDER, **settings})
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def troubles(code: int, told: str) -> tuple[int, list[str]]:
    """What is neither in order nor left out, a line each."""
    findings: list[dict[str, Any]] = json.loads(told)["findings"]
    return code, [
        CHANGING.sub("…", f"{finding['state']} {finding['id']}: {finding['seen']} → {finding['remedy']}")
        for finding in findings
        if finding["state"] not in ("ok", "skipped")
    ]

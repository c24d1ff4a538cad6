"""Azure and Azure DevOps as provisioning finds them, and `spotter provision` as processes of its own."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.azure.deployed import PICTURES_ACCOUNT, capture, deploy
from sandbox.azure.pace import Pace
from sandbox.azure.twin import AzureTwin
from sandbox.devops.twin import DevOpsTwin
from sandbox.faults import Fault, Logged
from sandbox.repository import furnish
from tests.forks import ROOT, Forks

POLICY = f"""
[provision]
repository = "vision"
public_url = "https://spotter.example"

[provision.datastore]
account = "{PICTURES_ACCOUNT}"
path = "line-1/*.png"

[targets.line-1]
channel = "C0LINEVIS1"
"""
SECRET = "not-known-to-anyone-else"
SUBJECT = "sc://bottling/Vision"
# All that must stand, as `Place.end` tells it.
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


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str


class Place:
    """A world in which the infrastructure is deployed and Spotter's files are pushed, and nothing else."""

    def __init__(self, root: Path, forks: Forks) -> None:
        self.root = root
        self._forks = forks
        self.azure = AzureTwin(root / "azure", pace=Pace(cancel=0.05))
        self.devops = DevOpsTwin(root / "devops", tokens=self.azure.workspace.tokens)
        self.policy = root / "spotter.toml"
        self.policy.write_text(POLICY)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._do(self.azure.start())
        self._do(self.devops.start())
        deploy(self.azure)
        pictures = self.root / "pictures" / "line-1"
        pictures.mkdir(parents=True)
        for number in range(5):
            (pictures / f"cap-{number}.png").write_bytes(b"a picture")
        capture(self.azure, self.root / "pictures")
        files = furnish(self.root / "files", self.policy, self.azure.workspace.place)
        self.devops.portal.push("main", files, "Train with Spotter")

    def stop(self) -> None:
        self._do(self.devops.stop())
        self._do(self.azure.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=60)
        self._loop.close()

    def env(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **self.azure.env(),
            **self.devops.env(),
            "SPOTTER_CONFIG": str(self.policy),
            "HOOKS_SECRET": SECRET,
            "COLUMNS": "80",
            "PYTHONIOENCODING": "utf-8",
        }

    def spotter(self, *arguments: str, **env: str) -> Told:
        """A process that is started as people start it."""
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *arguments],
            env={**self.env(), "PYTHONPATH": str(ROOT), **env},
            cwd=self.root,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Told(done.returncode, self._plain(done.stdout), self._plain(done.stderr))

    def plan(self, **env: str) -> Told:
        return self._told("plan", env)

    def apply(self, **env: str) -> Told:
        return self._told("apply", env)

    def says(self, policy: str) -> None:
        """Adds to the policy, or replaces it where it begins with its first table."""
        self.policy.write_text(policy if policy.startswith("[provision]") else POLICY + policy)

    def _told(self, what: str, env: dict[str, str]) -> Told:
        """The same in a fork, which starts faster. A variable that is set to nothing is left out."""
        whole = {name: value for name, value in {**self.env(), **env}.items() if value}
        done = self._forks.run("provision", what, environment=whole, folder=self.root)
        return Told(done.returncode, self._plain(done.stdout), self._plain(done.stderr))

    def killed_at(self, fault: Fault) -> None:
        """Applies, and kills the process when it waits for the answer that the fault holds back."""
        printed = self.root / "printed"
        with printed.open("wb") as log:
            started = self._forks.start(
                "provision", "apply", environment=self.env(), folder=self.root, out=log, err=log
            )
        assert fault.reached.wait(60), f"nothing came to {fault.path}: {printed.read_text('utf-8')}"
        started.kill()
        started.wait(60)
        fault.release()

    def writes(self) -> list[Logged]:
        """Every request so far that would change something."""
        entries = [*self.azure.faults.log(), *self.devops.faults.log()]
        return [entry for entry in entries if entry.method not in ("GET", "HEAD", "OPTIONS")]

    def end(self) -> dict[str, Any]:
        """All that stands, without ids that each world makes up."""
        organisation, workspace = self.devops.organisation, self.azure.workspace
        store = workspace.storage.stores.get("edgevisionstorage")
        resources, names = organisation.resources, {p.id: p.name for p in organisation.pipelines.values()}

        def users(kind: str, identity: str) -> list[str]:
            return sorted(names[number] for number in resources.permissions(kind, identity).pipelines)

        return {
            "pipelines": sorted((p.name, p.path) for p in organisation.pipelines.values()),
            "connections": {
                e.name: (
                    e.body.get("data", {}).get("mlWorkspaceName", e.body["url"]),
                    users("endpoint", e.id),
                )
                for e in resources.endpoints.values()
            },
            "checks": sorted(
                (
                    resources.name_of(c.resource_type, c.resource_id),
                    inputs.get("urlSuffix") or inputs["allowedBranches"],
                )
                for c in resources.checks.values()
                if (inputs := c.settings["inputs"])
            ),
            "environments": sorted(
                (e.name, *users("environment", str(e.id))) for e in resources.environments.values()
            ),
            "trust": {
                name: [(credential, trust.subject) for credential, trust in identity.credentials.items()]
                for name in ("spotter-publish", "spotter-edge")
                if (identity := workspace.identities.get(name))
            },
            "hooks": sorted(
                (hook.body["eventType"], hook.body["consumerInputs"]["url"], hook.status)
                for hook in self.devops.hooks.subscriptions.values()
            ),
            "datastore": (store.account, store.container, store.service_identity) if store else None,
            "clusters": {
                c.name: (c.size.name, c.minimum, c.maximum, c.idle_time) for c in workspace.clusters.values()
            },
        }

    def until(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.02)

    def _plain(self, text: str) -> str:
        """Without what differs from one world to the next."""
        text = text.replace(self.devops.organisation.base_url, "https://dev.azure.com/bottling")
        text = re.sub(r"resourceId=[0-9a-f-]{36}", "resourceId=…", text)
        return text.replace(f"{self.policy}", self.policy.name)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)


def marked(told: Told, mark: str, words: str = "") -> str:
    """The first lines of all things with this mark."""
    line = re.compile(rf"^  ({re.escape(mark)} [^\d ]\S* .*{words}.*)$", re.MULTILINE)
    return "\n".join(line.findall(told.out))

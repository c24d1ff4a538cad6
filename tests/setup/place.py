"""Azure and Azure DevOps as provisioning finds them, and `spotter provision` as processes of its own."""

import asyncio
import multiprocessing
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

ROOT = Path(__file__).parents[2]
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

# Children are copies of one process that has imported all this, so that they start at once.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["bot.commandline.provision", "bot.commandline.provision_view", "azure.identity"]
)


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str


class Place:
    """A world in which the infrastructure is deployed and Spotter's files are pushed, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
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
        self._thread.join(timeout=10)
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
        """The same in a copy of a process, which starts faster."""
        started = self._started(what, env)
        started.join(120)
        assert started.exitcode is not None, f"provision {what} did not end"
        return Told(started.exitcode, *(self._plain(self._printed(name)) for name in ("out", "err")))

    def killed_at(self, fault: Fault) -> None:
        """Applies, and kills the process when it waits for the answer that the fault holds back."""
        started = self._started("apply", {})
        assert fault.reached.wait(60), f"nothing came to {fault.path}: {self._printed('err')}"
        started.kill()
        started.join(10)
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

    def until(self, condition: Callable[[], object], what: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.02)

    def _started(self, what: str, env: dict[str, str]) -> Any:
        """A variable that is set to nothing is left out."""
        whole = {name: value for name, value in {**self.env(), **env}.items() if value}
        started = _SERVER.Process(target=_provision, args=(what, whole, str(self.root)))
        started.start()
        return started

    def _printed(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def _plain(self, text: str) -> str:
        """Without what differs from one world to the next."""
        text = text.replace(self.devops.organisation.base_url, "https://dev.azure.com/bottling")
        text = re.sub(r"resourceId=[0-9a-f-]{36}", "resourceId=…", text)
        return text.replace(f"{self.policy}", self.policy.name)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)


def _provision(what: str, env: dict[str, str], folder: str) -> None:
    """In the child: `spotter provision plan` or `apply` with this environment."""
    from bot.cli import main

    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
    try:
        main(["provision", what])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

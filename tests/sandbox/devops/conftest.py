"""A running Azure DevOps twin with a repository, and plain requests to it in the shapes that its SDK sends."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.azure.tokens import Tokens
from sandbox.devops.pace import Pace
from sandbox.devops.twin import DevOpsTwin

from .receiver import Receiver

FAST = Pace(agent_start=0.01, minute=0.4, terminate_grace=0.3, delivery_retry=0.02)
PUBLISH = """
name: $(Date:yyyyMMdd).$(Rev:r)
trigger:
  branches: {include: [main]}
  paths: {include: [training]}
parameters:
  - name: correlationId
    type: string
    default: ""
  - name: size
    type: string
    default: small
    values: [small, large]
  - name: dry
    type: boolean
    default: false
variables:
  - template: variables.yml
  - name: greeting
    value: hello from ${{ parameters.size }}
stages:
  - stage: Check
    displayName: Check the files
    jobs:
      - job: lint
        displayName: Lint
        steps:
          - bash: |
              echo "$(greeting) $PLANT"
              echo "build $(Build.BuildId) is $BUILD_BUILDID of $BUILD_SOURCEBRANCHNAME in $SYSTEM_TEAMPROJECT"
              cat training/pipeline.txt
            displayName: Look around
  - stage: Publish
    jobs:
      - job: publish
        displayName: Publish the pipeline
        steps:
          - script: |
              test "${{ parameters.dry }}" = False || exit 0
              echo "published $(Build.BuildId) with ${{ parameters.correlationId }}"
            displayName: Publish
"""
SLOW = """
trigger: none
steps:
  - script: |
      echo started
      sleep 60 &
      echo child $!
      wait
    displayName: Wait
  - script: echo cleaned
    displayName: Clean up
    condition: always()
"""


class DevOps:
    """The twin on a thread of its own."""

    def __init__(self, root: Path, tokens: Tokens | None) -> None:
        self.twin = DevOpsTwin(
            root / "devops",
            tokens=tokens,
            variables={"OUTSIDE": "azure", "IDENTITY_HEADER": "granted"},
            pace=FAST,
        )
        self.portal = self.twin.portal
        self._files = root / "files"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.twin.start(), self._loop).result(60)

    def stop(self) -> list[str]:
        """What of the twin still runs after it was stopped, which should be nothing."""
        left = asyncio.run_coroutine_threadsafe(self._stopped(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        return left

    async def _stopped(self) -> list[str]:
        await self.twin.stop()
        return [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]

    def push(self, branch: str = "main", message: str = "Change the pipeline", **files: str) -> str:
        """Pushes all files so far with these changed (`a__b_yml` is `a/b.yml`); the id of the commit."""
        for name, text in files.items():
            path = self._files / (name.replace("__", "/").replace("_", ".") + "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.portal.push(branch, self._files, message).id

    def call(
        self, method: str, path: str, *, version: str = "7.1-preview", **options: Any
    ) -> requests.Response:
        """A request below the organisation's address, as the SDK makes it."""
        headers = {"Accept": f"application/json;api-version={version}", **options.pop("headers", {})}
        auth = options.pop("auth", ("", self.portal.pat))
        url = self.twin.organisation.base_url + path
        return requests.request(
            method, url, headers=headers, auth=auth, timeout=60, allow_redirects=False, **options
        )

    def get(self, path: str, **options: Any) -> Any:
        """The JSON of an answer that must be 200; `path` is below the project's `_apis`."""
        answer = self.call("GET", f"/Vision/_apis{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(
        self, path: str, body: Any, method: str = "POST", version: str = "7.1-preview"
    ) -> requests.Response:
        return self.call(method, f"/Vision/_apis{path}", json=body, version=version)

    def create(self, name: str, path: str) -> int:
        repository = {"id": self.twin.organisation.repository.id, "type": "azureReposGit"}
        body = {"name": name, "configuration": {"type": "yaml", "path": path, "repository": repository}}
        made = self.post("/pipelines", body)
        assert made.status_code == 200, made.text
        return int(made.json()["id"])

    def run(self, pipeline: int, branch: str = "main", **parameters: Any) -> requests.Response:
        source = {"repositories": {"self": {"refName": f"refs/heads/{branch}"}}}
        return self.post(
            f"/pipelines/{pipeline}/runs", {"resources": source, "templateParameters": parameters}
        )

    def build(self, number: int) -> Any:
        return self.get(f"/build/builds/{number}")

    def ended(self, number: int, result: str) -> Any:
        """The build once it is over, which must be with `result`."""
        build = self.until(
            lambda: (build := self.build(number))["status"] == "completed" and build, f"build {number} ends"
        )
        assert build["result"] == result, self.log_of(number)
        return build

    def records(self, number: int) -> list[Any]:
        return list(self.get(f"/build/builds/{number}/timeline")["records"])

    def record(self, number: int, kind: str, name: str) -> Any:
        return next((r for r in self.records(number) if (r["type"], r["name"]) == (kind, name)), None)

    def log_of(self, number: int) -> str:
        """All lines of all logs, for the eye."""
        logs = self.get(f"/build/builds/{number}/logs")["value"]
        lines = [self.get(f"/build/builds/{number}/logs/{log['id']}") for log in logs]
        return "\n".join(line.partition(" ")[2] for log in lines for line in log["value"])

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        """Waits for a condition; fails by saying what did not come true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens("8d5b2f1e-7c3a-4e96-b0d8-1f2a3b4c5d6e", 3600)


@pytest.fixture(scope="module")
def devops(tmp_path_factory: pytest.TempPathFactory, tokens: Tokens) -> Iterator[DevOps]:
    running = DevOps(tmp_path_factory.mktemp("devops"), tokens)
    running.push(
        publish_yml=PUBLISH,
        slow_yml=SLOW,
        variables_yml="variables:\n  PLANT: bottling line\n",
        training__pipeline_txt="the pipeline\n",
    )
    running.start()
    try:
        yield running
    finally:
        left = running.stop()
    assert left == []


@pytest.fixture(scope="module")
def publish(devops: DevOps) -> int:
    return devops.create("publish", "publish.yml")


@pytest.fixture(scope="module")
def slow(devops: DevOps) -> int:
    return devops.create("slow", "slow.yml")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()

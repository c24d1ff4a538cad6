"""The edge pipeline as it stands in this project, from the registered model to the answers of the devices."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.devops.builds import Build
from sandbox.devops.pace import Pace as DevOpsPace
from sandbox.edge.incumbent import ship
from sandbox.edge.pipeline import PIPELINE, YAML, ask_first, connect
from sandbox.world import World

from ..devops.receiver import Receiver
from .brightness import write_model
from .conftest import FAST

POLICY = Path(__file__).parents[2] / "stories" / "spotter.toml"
QUICK_AGENTS = DevOpsPace(agent_start=0.05, minute=2.0, terminate_grace=0.5, delivery_retry=0.1)


@pytest.fixture(scope="module")
def asked() -> Iterator[Receiver]:
    """Who is asked whether a run is approved."""
    running = Receiver()
    yield running
    running.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, asked: Receiver) -> Iterator[World]:
    """One line whose two devices run the first version; the second one is registered."""
    root = tmp_path_factory.mktemp("world")
    world = World(root, devops_pace=QUICK_AGENTS, edge_pace=FAST, lines={"line-1": 2})
    for version, label in ((1, "old"), (2, "new")):
        folder = write_model(root / "models" / str(version) / "outputs", label)
        world.azure.studio.register_by_hand("Caps", folder)
    ship(world.edge, "Caps", 1, root / "models" / "1", "line-1")
    world.start()
    try:
        world.push(POLICY)
        connect(world.devops, world.azure.workspace, ["line-1"])
        ask_first(world.devops, ["line-1"], asked.url, "/checks/deployment", {"X-Secret": "s"})
        yield world
    finally:
        world.stop()


def test_a_run_that_is_not_approved_does_nothing(world: World, asked: Receiver) -> None:
    asked.answer = lambda heard: (403, {"reason": "Nobody has approved this run."})
    build = run(world, "canary")
    until(lambda: "Nobody has approved this run." in said(build), "the answer is in its log", build)
    world.devops.portal.cancel(build)
    ended(world, build, "canceled")
    heard = asked.heard[0]
    assert (heard.path, heard.body) == ("/checks/deployment", {"buildId": str(build.id)})
    assert heard.headers["X-Secret"] == "s"
    assert not any(record.type == "Task" for record in build.records)
    assert [name for name in world.edge.hub.configurations if "caps-2" in name] == []


def test_the_pipeline_builds_and_ships_ring_by_ring(world: World, asked: Receiver) -> None:
    """Who is asked is starting anew at first; what stands before it says 503, or shows a page of its own."""
    starting = iter([(503, {}), (200, {"title": "Back in a minute"})])
    asked.answer = lambda heard: next(starting, (200, {"approved": True}))

    def sees(device: str, model: str, label: str) -> bool:
        seen = world.edge.plant[device].view().seen
        return seen is not None and seen.model == model and {box["label"] for box in seen.boxes} == {label}

    canary = ended(world, run(world, "canary"), "succeeded")
    until(lambda: sees("line-1-cam-1", "Caps:2", "new"), "the canary sees with the new model", canary)
    assert sees("line-1-cam-2", "Caps:1", "old")
    assert [tag for tag in world.edge.registry.tags["detector"] if tag.endswith("dep-1")] == ["Caps-2-dep-1"]

    # Somebody moves the tag: what everyone gets is what the canary has all the same.
    tags = world.edge.registry.tags["detector"]
    tags["Caps-2-dep-1"] = tags["Caps-1"]
    everyone = ended(world, run(world, "all"), "succeeded")
    assert "docker buildx" not in said(everyone) and "pushed" not in said(everyone)
    first, second = (
        each.content["$edgeAgent"]["properties.desired.modules.detector"]["settings"]["image"]
        for name, each in world.edge.hub.configurations.items()
        if "-caps-2-" in name
    )
    assert first == second and first.rpartition("@")[2] in said(everyone)
    until(lambda: sees("line-1-cam-2", "Caps:2", "new"), "everyone sees with the new model", everyone)


def test_a_copy_of_the_pipeline_without_its_gate_is_kept_out_and_agents_do_no_more_than_it_needs(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / YAML).parent.mkdir(parents=True)
    (tmp_path / YAML).write_text(ODD)
    (tmp_path / "image").write_text("FROM scratch\nCOPY image /\n")
    portal = world.devops.portal
    portal.push("odd", tmp_path)
    kept_out = ended(world, portal.run_pipeline(PIPELINE, "odd"), "failed")
    (problem,) = [issue["message"] for record in kept_out.records for issue in record.issues]
    assert problem == "Branch control: refs/heads/odd is not among the allowed refs/heads/main."
    assert not any(record.type == "Task" for record in kept_out.records)
    portal.push("main", tmp_path)
    told = said(ended(world, portal.run_pipeline(PIPELINE), "partiallySucceeded"))
    assert "Please run 'az login' to setup account." in told
    assert "failed to authorize: bottlingline.azurecr.io: 401 Unauthorized" in told
    assert "No such command 'run'" in told and "No such command 'group'" in told
    assert list(world.edge.registry.tags["odd"]) == ["1"]


ODD = """
trigger: none
steps:
  - bash: az acr login --name bottlingline
    continueOnError: true
  - task: AzureCLI@2
    inputs:
      azureSubscription: edge-connection
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: |
        build="docker buildx build --provenance=false --file image --metadata-file told.json --push"
        $build --tag bottlingline.azurecr.io/odd:1 . || true
        az acr login --name bottlingline
        $build --tag bottlingline.azurecr.io/odd:1 .
        docker run odd || true
        az group delete --name everything
    continueOnError: true
"""


def run(world: World, ring: str) -> Build:
    asked = {
        "modelName": "Caps",
        "modelVersion": "2",
        "target": "line-1",
        "ring": ring,
        "correlationId": f"dep-1-{ring}",
    }
    return world.devops.portal.run_pipeline(PIPELINE, parameters=asked)


def ended(world: World, build: Build, result: str) -> Build:
    until(lambda: build.status == "completed", "the run ends", build)
    assert build.result == result, said(build)
    return build


def said(build: Build) -> str:
    return "\n".join(line for log in build.logs for line in log.lines)


def until(condition: Callable[[], bool], what: str, build: Build) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.03)
    raise AssertionError(f"never: {what}\n{said(build)}")

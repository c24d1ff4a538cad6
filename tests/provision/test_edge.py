"""What the edge pipeline asks IoT Hub for."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.azureml.names import IOT_DEPLOYMENT_ID, MODEL_NAME
from infra.provision.edge.deployment import layered, target_condition
from infra.provision.edge.shipment import RULES, Shipment, read

ROOT = Path(__file__).parents[2]
DIGEST = f"sha256:{'a' * 64}"
IMAGE = f"plant.example/detector@{DIGEST}"
ASKED = {
    "MODEL_NAME": "Cap_Detection_Model",
    "MODEL_VERSION": "3",
    "TARGET": "line-1",
    "RING": "canary",
    "CORRELATION_ID": "dep-20261122-3f9a",
    "BUILD_BUILDID": "412",
}
CANARY = read(ASKED)


def test_the_same_request_has_the_same_id_whatever_run_carries_it_out() -> None:
    assert replace(CANARY, build=413).deployment_id == CANARY.deployment_id
    assert CANARY.deployment_id.startswith("line-1-canary-cap_detection_model-3-")


@pytest.mark.parametrize(
    "other",
    [
        {"model": "cap_detection_model"},
        {"version": 4},
        {"target": "line-2"},
        {"ring": "all"},
        {"correlation": "dep-20261123-77aa"},
        {"correlation": "DEP-20261122-3f9a"},
    ],
    ids=str,
)
def test_another_request_has_another_id(other: dict[str, object]) -> None:
    assert replace(CANARY, **other).deployment_id != CANARY.deployment_id  # type: ignore[arg-type]  # by name


def test_two_runs_by_hand_are_two_requests() -> None:
    by_hand = replace(CANARY, correlation="none")
    assert replace(by_hand, build=413).deployment_id != by_hand.deployment_id


def test_what_is_shipped_later_wins() -> None:
    assert replace(CANARY, build=413).priority > CANARY.priority


def test_all_rings_of_a_request_run_one_image() -> None:
    assert replace(CANARY, ring="all", build=413).image_tag == CANARY.image_tag


@given(name=st.from_regex(MODEL_NAME.pattern, fullmatch=True), version=st.integers(1, 10**10 - 1))
def test_iot_hub_takes_the_id_of_every_model(name: str, version: int) -> None:
    shipment = replace(CANARY, model=name, version=version)
    assert IOT_DEPLOYMENT_ID.allows(shipment.deployment_id)
    assert len(shipment.image_tag) <= 128


def test_a_layered_deployment() -> None:
    body = layered(CANARY, IMAGE)
    modules = body["content"]["modulesContent"]
    # A full `properties.desired` would make it a base deployment, which replaces everything else on the device.
    assert all(key.startswith("properties.desired.") for part in modules.values() for key in part)
    module = modules["$edgeAgent"]["properties.desired.modules.detector"]
    assert module["settings"]["image"] == IMAGE
    assert "env" not in module  # it would go over what the image says of its model
    assert json.loads(module["settings"]["createOptions"]) == {}
    assert set(body) == {
        "id",
        "schemaVersion",
        "labels",
        "content",
        "targetCondition",
        "priority",
        "metrics",
    }
    assert "'Cap_Detection_Model'" in body["metrics"]["queries"]["modelOk"]


def test_the_canary_is_a_part_of_all() -> None:
    assert target_condition(CANARY) == "tags.target='line-1' AND tags.ring='canary'"
    assert target_condition(replace(CANARY, ring="all")) == "tags.target='line-1'"


@pytest.mark.parametrize(
    "image", ["", "plant.example/detector:3", f"{IMAGE} --privileged", "detector@sha256:abc"]
)
def test_an_image_without_a_digest_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match="IMAGE"):
        layered(CANARY, image)


@pytest.mark.parametrize("name", RULES)
def test_a_missing_value_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        read({key: value for key, value in ASKED.items() if key != name})


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of IoT Hub's configurations as the script meets: 404, 200, and create."""

    kept: dict[str, bytes]
    writes: list[str]
    is_broken: bool

    def do_GET(self) -> None:
        if self.is_broken:
            self.answer(500, b"{}")
            return
        self.answer(200 if self.path in self.kept else 404, self.kept.get(self.path, b"{}"))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.writes.append(self.path)
        self.kept[self.path] = body
        self.answer(200, body)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


# Azure's command line as far as the script uses it: the same options, over a real socket.
AZ = """
import re, sys, urllib.error, urllib.request
if sys.argv[1:] == ["acr", "login", "--name", "plant"]:
    sys.exit()
if sys.argv[1:3] == ["ml", "model"]:
    sys.exit()
if sys.argv[1:6] == ["extension", "add", "--name", "ml", "--version"]:
    sys.exit(not re.fullmatch(r"\\d+\\.\\d+\\.\\d+", sys.argv[6]))
assert sys.argv[1] == "rest"
said = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert said["--resource"] == "https://iothubs.azure.net"
address = said["--url"].replace("https://", "http://")
body = open(said["--body"][1:], "rb").read() if "--body" in said else None
try:
    answer = urllib.request.urlopen(urllib.request.Request(address, body, method=said["--method"].upper()))
    print(answer.read().decode())
except urllib.error.HTTPError as wrong:
    sys.exit(f"ERROR: {wrong.reason}({wrong.read().decode()})")
"""

# Docker, which builds and pushes, and writes down the digest.
DOCKER = """
import json, os, sys
assert sys.argv[1:3] == ["buildx", "build"] and "--push" in sys.argv
said = dict(zip(sys.argv, sys.argv[1:]))
assert said["--tag"] == "plant.example/detector:Cap_Detection_Model-3-dep-20261122-3f9a"
json.dump({"containerimage.digest": os.environ["DIGEST"]}, open(said["--metadata-file"], "w"))
print("built")
"""


@pytest.fixture
def hub() -> Iterator[tuple[str, type[Hub]]]:
    handler = type("OneHub", (Hub,), {"kept": {}, "writes": [], "is_broken": False})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    server.server_close()


def test_the_deployment_is_created_once_however_often_the_stage_runs(
    hub: tuple[str, type[Hub]], tmp_path: Path
) -> None:
    address, kept = hub
    first, second = (ran("deploy.sh", address, tmp_path, IMAGE=IMAGE) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "is made." in first.stdout and "is there already." in second.stdout
    path = f"/configurations/{CANARY.deployment_id}?api-version=2021-04-12"
    assert kept.writes == [path]
    assert json.loads(kept.kept[path]) == layered(CANARY, IMAGE)


def test_nothing_reaches_the_hub_when_something_is_wrong(hub: tuple[str, type[Hub]], tmp_path: Path) -> None:
    address, kept = hub
    done = ran("deploy.sh", address, tmp_path, IMAGE="plant.example/detector:3")
    assert done.returncode != 0 and "##vso[task.logissue type=error]IMAGE" in done.stderr
    kept.is_broken = True
    done = ran("deploy.sh", address, tmp_path, IMAGE=IMAGE)
    assert done.returncode != 0 and "Internal Server Error" in done.stderr
    settled = ran("build_image.sh", address, tmp_path)
    assert settled.returncode != 0 and "built" not in settled.stdout and "##vso" not in settled.stdout
    assert kept.writes == []


def test_the_first_ring_builds_and_all_others_take_the_very_same_image(
    hub: tuple[str, type[Hub]], tmp_path: Path
) -> None:
    address, _ = hub
    told = f"##vso[task.setvariable variable=image]{IMAGE}"
    first = ran("build_image.sh", address, tmp_path)
    assert first.returncode == 0 and "built" in first.stdout and told in first.stdout, first.stderr
    ran("deploy.sh", address, tmp_path, IMAGE=IMAGE)
    of_another = {"DIGEST": f"sha256:{'b' * 64}"}
    again = ran("build_image.sh", address, tmp_path, **of_another)
    request = CANARY.correlation
    rest = ran("build_image.sh", address, tmp_path, RING="all", CORRELATION_ID=f"{request}-all", **of_another)
    for done in (again, rest):
        assert done.returncode == 0 and "built" not in done.stdout and told in done.stdout, done.stderr
    other = ran("build_image.sh", address, tmp_path, TARGET="line-2", **of_another)
    assert "built" in other.stdout and IMAGE not in other.stdout


def ran(script: str, address: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """The pipeline's own script, as an agent would run it."""
    for name, program in (("az", AZ), ("docker", DOCKER)):
        (folder / name).write_text(f"#!{sys.executable}\n{program}")
        (folder / name).chmod(0o755)
    environment = {
        "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AGENT_TEMPDIRECTORY": str(folder),
        "IOTHUB_HOSTNAME": address,
        "REGISTRY": "plant.example",
        "RESOURCE_GROUP": "plant-rg",
        "WORKSPACE_NAME": "plant-ml",
        "DIGEST": DIGEST,
        **ASKED,
        **given,
    }
    file = ROOT / "infra" / "provision" / "edge" / script
    return subprocess.run(
        ["bash", str(file)], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_shipment_reads_back_what_was_asked() -> None:
    assert Shipment("Cap_Detection_Model", 3, "line-1", "canary", "dep-20261122-3f9a", 412) == CANARY

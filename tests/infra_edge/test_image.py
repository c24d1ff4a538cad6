"""The edge module's container image, as far as it can be held without building it."""

import re
import shutil
from pathlib import Path

from tests.infra_edge.conftest import ROOT, Start

EDGE = ROOT / "infra" / "edge"
CONTAINERFILE = (EDGE / "Containerfile").read_text()
LAST_STAGE = CONTAINERFILE.rpartition("\nFROM ")[2]
BUILD = (ROOT / "infra" / "provision" / "edge" / "build_image.sh").read_text()


def test_it_is_slim_pinned_and_does_not_run_as_root() -> None:
    bases = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.M)
    assert all(re.search(r":[\d.]+-[\w-]*slim@sha256:[0-9a-f]{64}$", base) for base in bases)
    assert "--require-hashes" in CONTAINERFILE and "pip install" not in LAST_STAGE
    (user,) = re.findall(r"^USER (\S+)$", LAST_STAGE, re.M)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    pins = (ROOT / "requirements" / "edge.txt").read_text()
    assert "paho-mqtt==" in pins and "--hash=sha256:" in pins


def test_it_ends_with_the_model_and_takes_what_the_pipeline_gives() -> None:
    assert CONTAINERFILE.rstrip().endswith("COPY --from=model . /model")
    contexts = set(re.findall(r"--build-context \"?(\w+)=", BUILD))
    assert (
        contexts == set(re.findall(r"--from=(\w+)", CONTAINERFILE)) - {"build"} == {"model", "requirements"}
    )
    arguments = set(re.findall(r"--build-arg \"(\w+)=", BUILD))
    assert (
        arguments == set(re.findall(r"^ARG (\w+)$", CONTAINERFILE, re.M)) == {"MODEL_NAME", "MODEL_VERSION"}
    )
    assert set(re.findall(r"^COPY (?!--from)(\S+) ", CONTAINERFILE, re.M)) == {"module"}


def test_what_is_copied_is_enough_to_start(tmp_path: Path, model: Path, start: Start) -> None:
    (program,) = re.findall(r'^ENTRYPOINT \["python", "-m", "(\w+)"\]$', CONTAINERFILE, re.M)
    shutil.copytree(EDGE / "module", tmp_path / "module", ignore=shutil.ignore_patterns("__pycache__"))
    assert start(model, program=program, cwd=tmp_path).settled()[0] == 200

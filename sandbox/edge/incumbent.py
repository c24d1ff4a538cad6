"""Puts a model on a line as if it had been shipped before the sandbox began."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sandbox.edge.edge import REGISTRY, Edge
from sandbox.edge.hub.configurations import read_configuration
from sandbox.edge.registry.build import build, manifest_of

PROJECT = Path(__file__).parents[2]
LONG_AGO = 1
"""The build that shipped it: less than every other, so that whatever is shipped later wins."""


def ship(edge: Edge, model: str, version: int, folder: Path, line: str) -> str:
    """Builds the image of a registered model's files and deploys it to the whole line; the deployment's id.

    May be called from any thread, also before the edge starts. Raises BuildFailed, CalledProcessError.
    """
    image = push(edge, model, version, folder)
    done = subprocess.run(
        [sys.executable, "-m", "infra.provision.edge.deployment"],
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "MODEL_NAME": model,
            "MODEL_VERSION": str(version),
            "TARGET": line,
            "RING": "all",
            "CORRELATION_ID": "incumbent",
            "BUILD_BUILDID": str(LONG_AGO),
            "IMAGE": image,
        },
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    body = json.loads(done.stdout)
    edge.hub.configurations[body["id"]] = read_configuration(body["id"], body)
    return str(body["id"])


def push(edge: Edge, model: str, version: int, folder: Path) -> str:
    """Builds the image of a registered model's files into the registry; its name by digest. Raises BuildFailed."""
    built = build(
        PROJECT / "infra" / "edge" / "Containerfile",
        {"": PROJECT / "infra" / "edge", "model": folder, "requirements": PROJECT / "requirements"},
        {"MODEL_NAME": model, "MODEL_VERSION": str(version)},
    )
    store = edge.registry
    config, layer = store.put_blob("detector", built.config), store.put_blob("detector", built.layer)
    manifest = manifest_of(config, layer, built)
    return f"{REGISTRY}/detector@{store.put_manifest('detector', f'{model}-{version}', manifest)}"

"""The layered automatic deployment that puts a model's module on the devices of a ring.

It lies on top of a base deployment that brings the edge agent and hub. The highest priority wins on a device, so
undoing a shipment is deleting its deployment: the one before it applies again.
"""

import json
import os
import re
import sys
from typing import Any

from infra.provision.edge.shipment import Shipment, read

MODULE = "detector"
IMAGE = re.compile(r"[a-z0-9][a-z0-9.-]*(?::[0-9]+)?(?:/[a-z0-9][a-z0-9._-]*)+@sha256:[0-9a-f]{64}")


def layered(shipment: Shipment, image: str) -> dict[str, Any]:
    """The body of `PUT /configurations/{id}`. `image` is by digest. Raises ValueError for another image."""
    if not IMAGE.fullmatch(image):
        raise ValueError("IMAGE must be an image by its sha256 digest.")
    return {
        "id": shipment.deployment_id,
        "schemaVersion": "1.0",
        "labels": {
            "spotter": shipment.key,
            "model": shipment.model,
            "version": str(shipment.version),
            "target": shipment.target,
            "ring": shipment.ring,
        },
        "content": {"modulesContent": _modules(image)},
        "targetCondition": target_condition(shipment),
        "priority": shipment.priority,
        "metrics": {"queries": {"modelOk": model_ok(shipment)}},
    }


def target_condition(shipment: Shipment) -> str:
    """Devices carry the tag `target`, such as line-1, and the first ones `ring`: canary. Ring `all` means these too."""
    target = f"tags.target='{shipment.target}'"
    return target if shipment.ring == "all" else f"{target} AND tags.ring='{shipment.ring}'"


def model_ok(shipment: Shipment) -> str:
    """Devices whose module itself reports that its image holds this very version, and that it works."""
    return (
        f"SELECT deviceId FROM devices.modules WHERE moduleId = '{MODULE}'"  # noqa: S608  # names are checked
        f" AND properties.reported.modelName = '{shipment.model}'"
        f" AND properties.reported.modelVersion = '{shipment.version}'"
        " AND properties.reported.health = 'ok'"
    )


def _modules(image: str) -> dict[str, Any]:
    module = {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "version": "1.0",
        "settings": {"image": image, "createOptions": "{}"},
    }  # no env: which model it holds is the image's own word, else a device would prove only what it was told
    route = f"FROM /messages/modules/{MODULE}/* INTO $upstream"
    return {
        "$edgeAgent": {f"properties.desired.modules.{MODULE}": module},
        "$edgeHub": {f"properties.desired.routes.{MODULE}": route},
    }


def image_of(body: dict[str, Any]) -> str:
    """The module's image in a deployment as IoT Hub tells it, by digest. Raises ValueError where it has none."""
    modules = body.get("content", {}).get("modulesContent", {}).get("$edgeAgent", {})
    image = modules.get(f"properties.desired.modules.{MODULE}", {}).get("settings", {}).get("image", "")
    if not IMAGE.fullmatch(image):
        raise ValueError("This request's deployment in IoT Hub has no image by its sha256 digest.")
    return str(image)


def main() -> None:
    """Print the deployment to ask for, or with `image` that of the deployment on standard input."""
    try:
        if sys.argv[1:] == ["image"]:
            sys.stdout.write(image_of(json.load(sys.stdin)) + "\n")
        else:
            json.dump(layered(read(os.environ), os.environ.get("IMAGE", "")), sys.stdout, indent=2)
    except ValueError as wrong:
        sys.exit(f"##vso[task.logissue type=error]{wrong}")


if __name__ == "__main__":
    main()

"""What happens on the lines: each device with its model and the last picture that its module has looked at; and what
IoT Hub tells devices to run.
"""

from itertools import groupby
from typing import Any

from sandbox.edge.edge import Edge
from sandbox.edge.hub.configurations import Configuration
from sandbox.edge.plant.camera import Seen
from sandbox.edge.plant.device import DeviceView
from sandbox.edge.twin import HOST_NAME
from sandbox.plant.people import RefusedError

Json = dict[str, Any]
DEPLOYMENTS = 8


class LinesView:
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def state(self) -> Json:
        """Line by line; the strongest deployment first."""
        lines = groupby(self._edge.plant.view(), lambda device: device.line)
        strongest = sorted(
            self._edge.hub.configurations.values(), key=lambda c: (c.priority, c.created), reverse=True
        )
        return {
            "host": HOST_NAME,
            "lines": [
                {"name": line, "devices": [_device(device) for device in devices]} for line, devices in lines
            ],
            "deployments": [_deployment(configuration) for configuration in strongest[:DEPLOYMENTS]],
        }

    def picture(self, device_id: str) -> bytes:
        """A JPEG. Raises RefusedError where there is none."""
        device = self._edge.plant.devices.get(device_id)
        seen = device.view().seen if device else None
        if seen is None:
            raise RefusedError(f"{device_id} has looked at no picture yet.")
        return seen.picture

    def happen(self, device_id: str, what: str) -> None:
        """`silent`: its way to the hub is cut; `memory`, `storage`: a new model will fail there; `mend` ends all that.

        Raises KeyError for anything else.
        """
        device = self._edge.plant.devices[device_id]
        happenings = {
            "silent": device.go_silent,
            "memory": lambda: device.fail("memory"),
            "storage": lambda: device.fail("storage"),
            "mend": device.recover,
        }
        happenings[what]()


def _deployment(configuration: Configuration) -> Json:
    results = configuration.system_results
    return {
        "id": configuration.id,
        "target": configuration.target,
        "priority": configuration.priority,
        "targeted": results["targetedCount"],
        "applied": results["appliedCount"],
        "failed": results["reportedFailedCount"],
    }


def _device(device: DeviceView) -> Json:
    return {
        "id": device.id,
        "ring": device.ring,
        "online": device.is_online,
        "model": device.model,
        "changes": device.wanted is not None and device.wanted != device.runs,
        "health": device.health,
        "reason": device.reason,
        "restarts": device.restarts,
        "seen": _seen(device.seen) if device.seen else None,
    }


def _seen(seen: Seen) -> Json:
    """Boxes in fractions of the picture's width and height."""
    boxes = [
        {
            "label": found["label"],
            "score": found["score"],
            "left": found["box"]["topX"],
            "top": found["box"]["topY"],
            "right": found["box"]["bottomX"],
            "bottom": found["box"]["bottomY"],
        }
        for found in seen.boxes
    ]
    return {"frame": seen.frame, "at": seen.at, "model": seen.model, "boxes": boxes}

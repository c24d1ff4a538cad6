"""IoT Hub: whether Spotter may read it, and whether targets have devices."""

from collections.abc import Callable, Iterable

from bot.doctor import azure
from bot.doctor.finding import Check, Service, Verdict, ok, problem, warning
from bot.doctor.words import listed
from commands.kit.policy import Policy
from infra.http.errors import Denied, Refused
from infra.iothub.deployments import ALL
from infra.iothub.devices import Device
from infra.iothub.hub import Hub, Survey

TITLE, APPLIED = "IoT Hub", "Applied"


class IoTHubCheckup:
    def __init__(self, host_name: str, policy: Policy | None) -> None:
        self._host_name = host_name
        self._hub = Hub.connect(host_name)
        self._policy = policy
        self._survey = Survey((), ())

    def service(self) -> Service:
        return Service("iothub", TITLE, list(self._checks()), explain)

    def _checks(self) -> Iterable[Check]:
        yield Check("hub", "Hub", self._look_at_hub)
        for target, about in (self._policy.targets if self._policy else {}).items():
            yield Check(f"target.{target}", f"Target {target}", self._target(target, about.rings), "hub")

    def _look_at_hub(self) -> Verdict:
        self._survey = self._hub.survey()
        devices, shipped = len(self._survey.devices), len(self._survey.deployments)
        return ok(f"{self._host_name} has {devices} edge devices; {shipped} deployments are Spotter's.")

    def _target(self, target: str, rings: Iterable[str]) -> Callable[[], Verdict]:
        def look() -> Verdict:
            numbers = {ring: len(self._survey.in_ring(target, ring)) for ring in rings}
            told = ", ".join(f"{number} in ring {ring}" for ring, number in numbers.items())
            if not all(numbers.values()):
                return warning(
                    f"Devices: {told}.",
                    f'Give each device twin the tags "target": "{target}" and, for the first ones, "ring": "canary".',
                )
            if by_hand := [each.id for each in self._survey.in_ring(target, ALL) if _is_set_by_hand(each)]:
                return warning(
                    f"Devices: {told}. No automatic deployment applies to {listed(by_hand)}, and yet a model was set "
                    "there: on the device itself, or by a deployment that is gone.",
                    "Leave its modules to automatic deployments alone, with a base deployment that targets it: what is "
                    "set on a device and what Spotter ships would overwrite each other.",
                )
            return ok(f"Devices: {told}.")

        return look


def _is_set_by_hand(device: Device) -> bool:
    """As far as IoT Hub shows: the edge agent's orders do not say who gave them, only which deployments apply."""
    return bool(device.order.image) and APPLIED not in device.deployments.values()


def explain(fault: Exception) -> Verdict | None:
    if isinstance(fault, Denied):
        return problem(fault.message, "Add it on the hub's page: Access control (IAM) → Add role assignment.")
    if isinstance(fault, Refused):
        return problem(fault.message, "Check IOTHUB_HOSTNAME.")
    return azure.explain(fault)

"""IoT Hub: whether Spotter may read it, and whether targets have devices."""

from collections.abc import Callable, Iterable

from bot.doctor import azure
from bot.doctor.finding import Check, Service, Verdict, ok, problem, warning
from commands.kit.policy import Policy
from infra.http.errors import Denied, Refused
from infra.iothub.hub import Hub, Survey

TITLE = "IoT Hub"


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
            return ok(f"Devices: {told}.")

        return look


def explain(fault: Exception) -> Verdict | None:
    if isinstance(fault, Denied):
        return problem(fault.message, "Add it on the hub's page: Access control (IAM) → Add role assignment.")
    if isinstance(fault, Refused):
        return problem(fault.message, "Check IOTHUB_HOSTNAME.")
    return azure.explain(fault)

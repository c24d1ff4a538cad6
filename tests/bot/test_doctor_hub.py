"""What the doctor says of a target's devices, before anything is shipped to them."""

from datetime import UTC, datetime

from bot.doctor.checkup import examine
from bot.doctor.iothub import IoTHubCheckup
from commands.kit.policy import Policy, Target
from tests.infra_iothub.conftest import Line, image, line, running

__all__ = ["line", "running"]
BY_HAND = {"modules": {"detector": {"type": "docker", "settings": {"image": image(7)}}}}


def test_a_device_that_somebody_set_by_hand_is_named(line: Line) -> None:
    def says() -> tuple[str, str]:
        host = line.running.env()["IOTHUB_HOSTNAME"]
        policy = Policy(targets={"line-1": Target(channel="C0LINEVIS1")})
        found = examine([IoTHubCheckup(host, policy).service()], 30)[-1].verdict
        return found.state, found.seen

    line.ships(2, "all", 412)
    line.until(lambda survey: survey.devices[1].order.image == image(2))
    assert says() == ("ok", "Devices: 1 in ring canary, 2 in ring all.")

    base = line.running.hub.configurations["edge-base"]
    base.target, base.updated = (
        "deviceId = 'line-1-a'",
        datetime.now(UTC),
    )  # so nothing applies to the other one
    change = {"properties": {"desired": BY_HAND}}
    assert line.running.patient("PATCH", "/twins/line-1-b/modules/$edgeAgent", change).status_code == 200
    line.until(lambda survey: survey.devices[1].order.image == image(7))
    state, seen = says()
    assert state == "warning" and "No automatic deployment applies to line-1-b, and yet" in seen

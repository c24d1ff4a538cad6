"""The catalogue of devices against words as edge agents and container engines write them."""

from datetime import UTC, datetime

import pytest

from infra.failures.devices import CATALOGUE, explain_landing
from infra.failures.explain import catalogue
from infra.iothub.devices import Device
from infra.iothub.rollout import Landing

DEVICE = Device("line-1-a", {}, True, datetime(2026, 11, 22, tzinfo=UTC))
SENTENCES = {
    "edge-image-missing": "Could not pull image plant.example/detector: manifest unknown: no such tag",
    "edge-registry-refuses": "Head https://plant.example/v2/detector: unauthorized: authentication required",
    "edge-no-name": "dial tcp: lookup plant.example: Temporary failure in name resolution",
    "edge-port-taken": "driver failed programming external connectivity: port is already allocated",
    "edge-disk-full": "write /var/lib/docker/tmp/layer: no space left on device",
    "edge-pull-failed": "Error calling pull image for module detector: connection reset by peer",
    "edge-cannot-start": "exec /opt/model/bin/python: exec format error",
}
CODES = {
    ("order-500",): "edge-order-failed",
    ("order-400",): "edge-order-wrong",
    ("order-412",): "edge-order-schema",
    ("order-417",): "edge-order-empty",
    ("exit-137", "module-backoff"): "edge-killed",
    ("order-500", "exit-139", "module-failed"): "edge-crashed",
    ("exit-1", "module-backoff"): "edge-keeps-ending",
    ("exit-1", "module-failed"): "edge-gave-up",
    ("module-stopped",): "edge-stopped",
    ("not-taken",): "edge-not-taken",
    ("not-written",): "edge-not-written",
}


@pytest.mark.parametrize("reason", SENTENCES)
def test_a_device_in_its_own_words(reason: str) -> None:
    found = explain_landing(Landing(DEVICE, "failed", ("order-500",), (SENTENCES[reason],)))
    assert found.reason == reason
    assert found.raw == SENTENCES[reason]


@pytest.mark.parametrize("codes", CODES, ids=" ".join)
def test_a_device_that_says_nothing_more(codes: tuple[str, ...]) -> None:
    assert explain_landing(Landing(DEVICE, "failed", codes, ("The module ended.",))).reason == CODES[codes]


def test_what_nobody_knows_is_passed_on() -> None:
    found = explain_landing(Landing(DEVICE, "failed", ("order-599",), ("The flux capacitor hums.",)))
    assert (found.cause, found.is_known) == ("The flux capacitor hums.", False)
    assert "iotedge check" in found.remedy
    outranked = explain_landing(Landing(DEVICE, "outranked", winner="line-1-all-caps-9-abc"))
    assert "line-1-all-caps-9-abc" in outranked.cause


def test_every_reason_is_complete_and_named_once() -> None:
    reasons = catalogue(CATALOGUE)
    assert len({reason.id for reason in (*reasons, *catalogue())}) == len(reasons) + len(catalogue())
    for reason in reasons:
        assert reason.patterns or reason.codes, reason.id
        assert reason.cause.endswith(".") and reason.remedy.endswith("."), reason.id

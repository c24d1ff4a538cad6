"""How long a service may keep Spotter waiting, whatever it asks for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from infra.azureml.errors import Throttled
from infra.azureml.workspace import Workspace
from infra.http.waits import LONGEST_REST, seconds_asked
from sandbox.faults import Fault
from tests.infra.answers import Answers

FAR = ["999999", "301", "1e9", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -1200"]
RUBBISH = ["inf", "-inf", "nan", "-1", "1e999", "9" * 5000, "soon", "", "²", "Fri, 99 Dec 9999", "7 seconds"]


@pytest.mark.parametrize("asked", FAR)
def test_a_wait_ends(asked: str) -> None:
    assert seconds_asked({"Retry-After": asked}) == LONGEST_REST


@pytest.mark.parametrize("asked", RUBBISH, ids=lambda asked: asked[:20])
def test_what_makes_no_sense_is_not_asked_for(asked: str) -> None:
    assert seconds_asked({"Retry-After": asked}) is None


@pytest.mark.parametrize("asked", ["Sat, 21 Nov 2015 07:28:00 GMT", "Sat, 21 Nov 2015 07:28:00 -0000", "0"])
def test_what_has_passed_is_not_waited_for(asked: str) -> None:
    assert seconds_asked({"Retry-After": asked}) == 0


def test_a_wait_is_told_in_seconds_in_milliseconds_or_as_a_time() -> None:
    assert seconds_asked({"Retry-After": "7"}) == 7
    assert seconds_asked({"x-ms-retry-after-ms": "2500", "Retry-After": "3"}) == 2.5
    assert seconds_asked({"retry-after-ms": "nan", "Retry-After": "3"}) == 3
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=200), usegmt=True)
    assert 100 < (seconds_asked({"Retry-After": until}) or 0) <= 200
    assert seconds_asked({}) is None


def throttled(asked: str) -> Fault:
    return Fault("GET", "/jobs", "answer", status=429, headers={"Retry-After": asked})


@pytest.mark.parametrize("asked", FAR)
def test_azure_is_left_alone_for_a_while_and_no_longer(
    azure: Answers, workspace: Workspace, asked: str
) -> None:
    azure.faults.arm(throttled(asked))
    with pytest.raises(Throttled) as told:
        list(workspace.training_jobs())
    assert told.value.retry_after == LONGEST_REST
    assert len(azure.asked("GET", "/jobs")) == 1


@pytest.mark.parametrize("asked", ["inf", "nan", "-1", "soon"])
def test_azure_is_asked_again_where_its_wish_makes_no_sense(
    azure: Answers, workspace: Workspace, asked: str
) -> None:
    azure.says("GET", "./jobs", {"value": []})
    azure.faults.arm(throttled(asked))
    assert list(workspace.training_jobs()) == []

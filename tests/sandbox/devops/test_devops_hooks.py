"""Service hooks: who is told what, with which secret, and what happens when nobody listens."""

from typing import Any

import pytest

from .conftest import DevOps
from .receiver import Heard, Receiver

RUN = "ms.vss-pipelines.run-state-changed-event"
STAGE = "ms.vss-pipelines.stage-state-changed-event"


def subscribe(devops: DevOps, receiver: Receiver, kind: str, **filters: str) -> str:
    body = {
        "publisherId": "tfs" if kind == "build.complete" else "pipelines",
        "eventType": kind,
        "resourceVersion": "2.0" if kind == "build.complete" else "5.1-preview.1",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": devops.twin.organisation.project_id, **filters},
        "consumerInputs": {
            "url": f"{receiver.url}/hooks/devops",
            "httpHeaders": "X-Spotter-Secret:a secret",
            "basicAuthUsername": "spotter",
            "basicAuthPassword": "hidden",
        },
    }
    made = devops.call("POST", "/_apis/hooks/subscriptions", json=body)
    assert made.status_code == 200, made.text
    assert made.json()["consumerInputs"]["basicAuthPassword"] == "********"
    return str(made.json()["id"])


def of_kind(receiver: Receiver, kind: str) -> list[Heard]:
    return [heard for heard in receiver.heard if heard.body["eventType"] == kind]


def remove(devops: DevOps, *subscriptions: str) -> None:
    for subscription in subscriptions:
        assert devops.call("DELETE", f"/_apis/hooks/subscriptions/{subscription}").status_code == 204


def test_a_run_tells_of_itself(devops: DevOps, publish: int, receiver: Receiver) -> None:
    wanted = [
        subscribe(devops, receiver, "build.complete", definitionName="publish"),
        subscribe(devops, receiver, RUN, pipelineId=str(publish), runStateId="Completed"),
        subscribe(devops, receiver, STAGE, stageNameId="Publish", stageStateId="Completed"),
        subscribe(devops, receiver, RUN, pipelineId="4711"),
    ]
    number = devops.run(publish).json()["id"]
    devops.ended(number, "succeeded")
    devops.until(lambda: len(receiver.heard) == 3, "three events")
    complete = of_kind(receiver, "build.complete")[0]
    assert complete.headers["X-Spotter-Secret"] == "a secret"
    assert complete.headers["Authorization"].startswith("Basic ")
    assert complete.body["subscriptionId"] == wanted[0]
    assert complete.body["notificationId"] == 1
    assert (complete.body["resource"]["id"], complete.body["resource"]["result"]) == (number, "succeeded")
    assert of_kind(receiver, RUN)[0].body["resource"]["run"]["state"] == "completed"
    stage = of_kind(receiver, STAGE)[0].body["resource"]
    assert (stage["stage"]["name"], stage["stage"]["result"], stage["run"]["id"]) == (
        "Publish",
        "succeeded",
        number,
    )
    remove(devops, *wanted)
    assert devops.call("GET", f"/_apis/hooks/subscriptions/{wanted[0]}").status_code == 404


def test_a_delivery_is_repeated_until_it_is_taken(devops: DevOps, publish: int, receiver: Receiver) -> None:
    receiver.answer = lambda heard: (503 if len(receiver.heard) < 3 else 202, None)
    subscription = subscribe(devops, receiver, "build.complete")
    devops.ended(devops.run(publish).json()["id"], "succeeded")
    sent = delivered(devops, subscription, "succeeded")
    assert sent["details"]["requestAttempts"] == 3
    assert len({heard.body["notificationId"] for heard in receiver.heard}) == 1
    devops.portal.redeliver()
    devops.until(lambda: len(receiver.heard) == 4, "the event comes once more")
    assert receiver.heard[3].body == receiver.heard[0].body
    remove(devops, subscription)


def test_a_receiver_that_never_takes_it_is_on_probation(
    devops: DevOps, publish: int, receiver: Receiver
) -> None:
    receiver.answer = lambda heard: (401, None)
    subscription = subscribe(devops, receiver, "build.complete")
    devops.ended(devops.run(publish).json()["id"], "succeeded")
    delivered(devops, subscription, "failed")
    shown = devops.call("GET", f"/_apis/hooks/subscriptions/{subscription}").json()
    assert shown["status"] == "onProbation"
    remove(devops, subscription)


def delivered(devops: DevOps, subscription: str, result: str) -> Any:
    path = f"/_apis/hooks/subscriptions/{subscription}/notifications"
    devops.until(
        lambda: devops.call("GET", f"{path}?result={result}").json()["count"], f"a notification {result}"
    )
    return devops.call("GET", f"{path}/1").json()


@pytest.mark.parametrize(
    "change",
    [
        {"eventType": "workitem.created"},
        {"consumerId": "slack"},
        {"consumerInputs": {"url": "not an address"}},
        {"consumerInputs": {"url": "http://127.0.0.1/", "httpHeaders": "no colon"}},
        {"publisherInputs": {"projectId": "00000000-0000-0000-0000-000000000001"}},
    ],
)
def test_subscriptions_that_are_refused(devops: DevOps, change: Any) -> None:
    good = {
        "publisherId": "tfs",
        "eventType": "build.complete",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "consumerInputs": {"url": "http://127.0.0.1/"},
    }
    assert devops.call("POST", "/_apis/hooks/subscriptions", json={**good, **change}).status_code == 400

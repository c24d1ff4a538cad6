"""Event Grid beside the workspace: what happens there, posted to those who subscribed, in Event Grid's own schema.

A subscriber proves once that it wants the events by echoing a code. Delivery is at least once: again and again until it
is taken, except where the answer says that it never will be.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.azure.place import PROVIDER, Place
from sandbox.azure.runs import RUN_TYPES, Run
from sandbox.azure.times import arm_time, now

COMPLETED, STATUS, REGISTERED = (
    f"{PROVIDER}.{name}" for name in ("RunCompleted", "RunStatusChanged", "ModelRegistered")
)
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
ANSWER_SECONDS = 30
ATTEMPTS = 5
NEVER_TAKEN = frozenset({400, 401, 403, 404, 413})


class HandshakeRefusedError(Exception):
    """The endpoint did not echo the code: there is no subscription."""


@dataclass(eq=False)
class Subscription:
    """`types` are the events that it wants, all where there are none. `delivered` and `dropped` hold event ids."""

    name: str
    endpoint: str
    types: Sequence[str] = ()
    sent: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


class EventGrid:
    """`retry` is the time in seconds before the second attempt; each further one waits twice as long."""

    def __init__(self, place: Place, retry: float) -> None:
        self._place = place
        self._retry = retry
        self._under_way: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.subscriptions: dict[str, Subscription] = {}

    async def subscribe(self, name: str, endpoint: str, types: Sequence[str] = ()) -> Subscription:
        """Raises HandshakeRefusedError."""
        code = str(uuid.uuid4())
        data = {
            "validationCode": code,
            "validationUrl": f"https://rp-{self._place.region}.eventgrid.example/{code}",
        }
        event = {**self._event(VALIDATION, "", data), "dataVersion": "1"}
        subscription = Subscription(name, endpoint, types)
        status, answer = await self._post(subscription, event, "SubscriptionValidation", 0)
        if status != 200 or _echo(answer) != code:
            raise HandshakeRefusedError(
                f"Webhook validation handshake failed for {endpoint.partition('?')[0]}. Http POST request returned"
                f" {status} with response {answer[:100]!r}."
            )
        self.subscriptions[name] = subscription
        return subscription

    def run_changed(self, run: Run) -> None:
        """Of a run that ended well, and of one that failed; the service tells of no other status."""
        if run.status not in ("Completed", "Failed"):
            return
        data = {
            "experimentId": run.experiment_id,
            "experimentName": run.experiment,
            "runId": run.run_id,
            "runType": RUN_TYPES[run.kind],
            "runTags": dict(run.tags),
            "runProperties": dict(run.properties),
        }
        subject = f"experiments/{run.experiment_id}/runs/{run.run_id}"
        if run.status == "Completed":
            self._emit(COMPLETED, subject, data)
        else:
            self._emit(STATUS, subject, {**data, "runStatus": "failed"})

    def model_registered(self, name: str, version: str, properties: dict[str, Any]) -> None:
        data = {
            "ModelName": name,
            "ModelVersion": int(version),
            "ModelTags": dict(properties.get("tags") or {}),
            "ModelProperties": dict(properties.get("properties") or {}),
        }
        self._emit(REGISTERED, f"models/{name}:{version}", data)

    def again(self, name: str) -> None:
        """Delivers the last event of a subscription once more, as happens when an answer is lost."""
        subscription = self.subscriptions[name]
        self._start(subscription, subscription.sent[-1])

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _event(self, kind: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "topic": self._place.arm_id,
            "subject": subject,
            "eventType": kind,
            "eventTime": arm_time(now()),
            "id": str(uuid.uuid4()),
            "data": data,
            "dataVersion": "",
            "metadataVersion": "1",
        }

    def _emit(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        event = self._event(kind, subject, data)
        for subscription in self.subscriptions.values():
            if not subscription.types or kind in subscription.types:
                subscription.sent.append(event)
                self._start(subscription, event)

    def _start(self, subscription: Subscription, event: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(subscription, event))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, subscription: Subscription, event: dict[str, Any]) -> None:
        for attempt in range(ATTEMPTS):
            status, _ = await self._post(subscription, event, "Notification", attempt)
            if 200 <= status < 300:
                subscription.delivered.append(event["id"])
                return
            if status in NEVER_TAKEN:
                break
            await asyncio.sleep(self._retry * 2**attempt)
        subscription.dropped.append(event["id"])

    async def _post(
        self, subscription: Subscription, event: dict[str, Any], kind: str, attempt: int
    ) -> tuple[int, str]:
        """Status and body of the answer; status 0 where there was none."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": kind,
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(attempt),
            "aeg-data-version": event["dataVersion"],
            "aeg-metadata-version": event["metadataVersion"],
        }
        try:
            async with self._session.post(
                subscription.endpoint,
                data=json.dumps([event]).encode(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(ANSWER_SECONDS),
                allow_redirects=False,
            ) as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as lost:
            return 0, str(lost)


def _echo(answer: str) -> str:
    try:
        told = json.loads(answer)
    except ValueError:
        return ""
    return str(told.get("validationResponse", "")) if isinstance(told, dict) else ""

"""Subscriptions, and how what matches them is delivered by POST.

There is no signature: a receiver knows its caller by the header or the password that the subscription carries.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from sandbox.azure.times import now
from sandbox.devops.identities import Identity

ATTEMPTS = 4
DELIVERY_SECONDS = 20


@dataclass(eq=False)
class Notification:
    """One event for one subscription. `result`: pending, succeeded, failed."""

    id: int
    event: dict[str, Any]
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    attempts: int = 0
    result: str = "pending"
    response: str = ""


@dataclass(eq=False)
class Subscription:
    body: dict[str, Any]
    created_by: Identity
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "enabled"
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    notifications: list[Notification] = field(default_factory=list)

    def wants(self, kind: str, facts: Mapping[str, str]) -> bool:
        """Filters that are empty or not given let everything through."""
        if self.body["eventType"] != kind or self.status in ("disabledByUser", "disabledBySystem"):
            return False
        given = self.body["publisherInputs"]
        return all(str(given.get(key) or value).lower() == value.lower() for key, value in facts.items())


class Deliveries:
    """`retry` is the time in seconds after the first attempt that fails; later ones wait longer."""

    def __init__(self, retry: float) -> None:
        self._retry = retry
        self._under_way: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """For calls to the outside; it follows no proxy of the environment."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def send(self, subscription: Subscription, event: dict[str, Any]) -> None:
        notification = Notification(len(subscription.notifications) + 1, event)
        subscription.notifications.append(notification)
        event.update(subscriptionId=subscription.id, notificationId=notification.id)
        self.again(subscription, notification)

    def again(self, subscription: Subscription, notification: Notification) -> None:
        """Posts a notification, which keeps its ids however often that happens."""
        task = asyncio.get_running_loop().create_task(self._deliver(subscription, notification))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, subscription: Subscription, notification: Notification) -> None:
        """Again and again until it is taken; a receiver that never does puts its subscription on probation."""
        for attempt in range(1, ATTEMPTS + 1):
            notification.attempts += 1
            status = await self._post(subscription.body["consumerInputs"], notification)
            notification.modified = now()
            if 200 <= status < 300:
                notification.result = "succeeded"
                subscription.status = "enabled"
                return
            if attempt < ATTEMPTS:
                await asyncio.sleep(self._retry * attempt)
        notification.result = "failed"
        subscription.status = "onProbation"

    async def _post(self, given: Mapping[str, str], notification: Notification) -> int:
        """The status code; 0 where there was no answer."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        for line in given.get("httpHeaders", "").splitlines():
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
        if given.get("basicAuthUsername") or given.get("basicAuthPassword"):
            user, password = given.get("basicAuthUsername", ""), given.get("basicAuthPassword", "")
            headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
        timeout = aiohttp.ClientTimeout(DELIVERY_SECONDS)
        body = json.dumps(notification.event).encode()
        try:
            async with self.session.post(
                given["url"], data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                notification.response = f"{response.status} {response.reason}"
                return response.status
        except (aiohttp.ClientError, TimeoutError) as lost:
            notification.response = str(lost) or type(lost).__name__
            return 0

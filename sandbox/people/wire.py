"""How people reach the Slack twin: short requests, and one live stream of events each."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]
Seen = TypeVar("Seen")
RECHECK_SECONDS = 0.25
ANSWERS_WITHIN = 120.0  # longer than Slack waits for the app wherever people are patient


class NotSeenError(AssertionError):
    """What was waited for did not appear; the message shows what was there instead."""


class RefusedError(AssertionError):
    """Slack did not let the person do that."""


class Wire:
    """Requests of one person."""

    def __init__(self, url: str, user: str) -> None:
        self._host = urlsplit(url).netloc
        self._base = f"/people/{user}"

    def get(self, what: str, **query: str) -> Json:
        asked = f"{what}?{urlencode(query)}" if query else what
        return self._request("GET", asked, None)

    def post(self, what: str, **body: Any) -> Json:
        return self._request("POST", what, json.dumps(body))

    def _request(self, method: str, what: str, body: str | None) -> Json:
        connection = http.client.HTTPConnection(self._host, timeout=ANSWERS_WITHIN)
        with contextlib.closing(connection):
            connection.request(method, f"{self._base}/{what}", body, {"Content-Type": "application/json"})
            answer: Json = json.loads(connection.getresponse().read())
        if not answer["ok"]:
            raise RefusedError(f"{answer['message']} ({answer['error']})")
        return answer

    def stream(self) -> tuple[socket.socket, http.client.HTTPResponse]:
        """The open stream of events; returns once Slack follows it, so that nothing later is missed."""
        connection = http.client.HTTPConnection(self._host)
        connection.request("GET", f"{self._base}/events")
        response = connection.getresponse()
        response.readline()
        return connection.sock, response


class Feed:
    """Collects a person's events in the background and wakes whoever waits for one."""

    def __init__(self, wire: Wire) -> None:
        self.notices: list[str] = []
        self._news = threading.Condition()
        self._heard = 0
        self._socket, self._response = wire.stream()
        threading.Thread(target=self._listen, name="slack-feed", daemon=True).start()

    def until(self, look: Callable[[], Seen | None], timeout: float, otherwise: Callable[[], str]) -> Seen:
        """Looks again after each event until `look` finds something.

        :raises NotSeenError: with what `otherwise` says, after `timeout` seconds
        """
        deadline = time.monotonic() + timeout
        while True:
            heard = self._heard
            if (found := look()) is not None:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotSeenError(otherwise())
            with self._news:
                if self._heard == heard:
                    self._news.wait(min(left, RECHECK_SECONDS))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):
            for line in self._response:
                if line.startswith(b"data: "):
                    self._hear(json.loads(line.removeprefix(b"data: ")))

    def _hear(self, event: Json) -> None:
        with self._news:
            if event["type"] == "notice":
                self.notices.append(event["text"])
            self._heard += 1
            self._news.notify_all()

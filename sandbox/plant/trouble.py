"""Named troubles that people can make, to watch how Spotter copes. Each ends by itself, or when it is cleared."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.azure.twin import AzureTwin
from sandbox.devops.front import SIGN_IN
from sandbox.devops.twin import DevOpsTwin
from sandbox.edge.edge import Edge
from sandbox.faults import Fault, Faults
from sandbox.slack.twin import SlackTwin

MANY = 1_000_000
SLACK, AZURE, DEVOPS, HUB = "Slack", "Azure", "Azure DevOps", "IoT Hub"
SLACK_CALLS, ARM_CALLS, ALL_CALLS = "^/api/", "^/subscriptions/", "^/"
HUB_CALLS = r"^/(configurations|devices|twins)\b"
LIMITED = partial(
    Fault,
    "*",
    SLACK_CALLS,
    "answer",
    MANY,
    status=429,
    headers={"Retry-After": "5", "Content-Type": "application/json"},
    body=json.dumps({"ok": False, "error": "ratelimited"}),
)
UNAVAILABLE = partial(
    Fault,
    "*",
    ARM_CALLS,
    "answer",
    MANY,
    status=503,
    headers={"Content-Type": "application/json"},
    body=json.dumps({"error": {"code": "ServiceUnavailable", "message": "The service is unavailable."}}),
)
SIGNED_OUT = partial(
    Fault,
    "*",
    ALL_CALLS,
    "answer",
    MANY,
    status=203,
    headers={"Content-Type": "text/html; charset=utf-8"},
    body=SIGN_IN,
)
THROTTLED = partial(
    Fault,
    "*",
    HUB_CALLS,
    "answer",
    MANY,
    status=429,
    headers={"Content-Type": "application/json"},
    body=json.dumps({"Message": "ErrorCode:ThrottlingBacklogTimeout;The request has been throttled."}),
)
HELD = "Calls get no answer until this ends; then they are served."

End = Callable[[], None]


@dataclass(frozen=True)
class Trouble:
    """`begin` makes it and returns what ends it; it lasts for `seconds`."""

    key: str
    service: str
    title: str
    means: str
    begin: Callable[[], End]
    seconds: int = 30


class Troubles:
    """Belongs to the event loop of the twins."""

    def __init__(self, slack: SlackTwin, azure: AzureTwin, devops: DevOpsTwin, edge: Edge) -> None:
        self._known = {trouble.key: trouble for trouble in _known(slack, azure, devops, edge)}
        self._lasting: dict[str, tuple[End, asyncio.TimerHandle, float]] = {}

    def state(self) -> list[dict[str, Any]]:
        """`until` is when it ends, in seconds since 1970, or None where all is well."""
        return [
            {
                "key": trouble.key,
                "service": trouble.service,
                "title": trouble.title,
                "means": trouble.means,
                "seconds": trouble.seconds,
                "until": self._lasting[trouble.key][2] if trouble.key in self._lasting else None,
            }
            for trouble in self._known.values()
        ]

    def make(self, key: str) -> None:
        """Raises KeyError where no trouble has that key. One that lasts already begins anew."""
        trouble = self._known[key]
        self.clear(key)
        timer = asyncio.get_running_loop().call_later(trouble.seconds, self.clear, key)
        self._lasting[key] = (trouble.begin(), timer, time.time() + trouble.seconds)

    def clear(self, key: str) -> None:
        if key in self._lasting:
            end, timer, _ = self._lasting.pop(key)
            timer.cancel()
            end()

    def clear_all(self) -> None:
        for key in list(self._lasting):
            self.clear(key)


def _known(slack: SlackTwin, azure: AzureTwin, devops: DevOpsTwin, edge: Edge) -> list[Trouble]:
    hung = partial(Fault, "*", action="hang_before", times=MANY)
    return [
        Trouble(
            "slack-429",
            SLACK,
            "Too many requests",
            "Every call is answered 429, “Retry-After: 5”.",
            _with(slack.faults, LIMITED),
        ),
        Trouble("slack-hang", SLACK, "Hangs", HELD, _with(slack.faults, partial(hung, path=SLACK_CALLS))),
        Trouble(
            "azure-503",
            AZURE,
            "Unavailable",
            "Resource Manager answers 503. Jobs that run go on.",
            _with(azure.faults, UNAVAILABLE),
        ),
        Trouble("azure-hang", AZURE, "Hangs", HELD, _with(azure.faults, partial(hung, path=ARM_CALLS))),
        Trouble(
            "azure-capacity",
            AZURE,
            "No machines",
            "No cluster gets another node; who waits is told why.",
            partial(_without_machines, azure),
            seconds=120,
        ),
        Trouble(
            "devops-sign-in",
            DEVOPS,
            "Asks to sign in",
            "A sign-in page with status 203, as when a token has run out.",
            _with(devops.faults, SIGNED_OUT),
        ),
        Trouble("devops-hang", DEVOPS, "Hangs", HELD, _with(devops.faults, partial(hung, path=ALL_CALLS))),
        Trouble(
            "devops-agents",
            DEVOPS,
            "Agents offline",
            "No job starts; what runs goes on.",
            partial(_without_agents, devops),
            seconds=120,
        ),
        Trouble(
            "hub-429",
            HUB,
            "Throttled",
            "Every call is answered 429, without saying when to try again.",
            _with(edge.faults, THROTTLED),
        ),
        Trouble("hub-hang", HUB, "Hangs", HELD, _with(edge.faults, partial(hung, path=HUB_CALLS))),
    ]


def _with(faults: Faults, fault: Callable[[], Fault]) -> Callable[[], End]:
    return lambda: partial(faults.disarm, faults.arm(fault()))


def _without_machines(azure: AzureTwin) -> End:
    def available(yes: bool) -> None:
        for name in azure.workspace.clusters:
            azure.studio.set_capacity(name, available=yes)

    available(False)
    return partial(available, True)


def _without_agents(devops: DevOpsTwin) -> End:
    devops.portal.take_agents_offline()
    return devops.portal.bring_agents_online

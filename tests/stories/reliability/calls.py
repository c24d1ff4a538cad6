"""The calls that leave the bot, by what they do: read off the twins' logs, never typed by hand."""

import json
import re
from collections.abc import Iterator

from sandbox.faults import Faults, Logged
from sandbox.world import World
from tests.stories.stage import RUN_ID
from tests.stories.stage import steady as steady_words

SUBJECT = r"(?:Cap|Lid|Can)_[a-z]+\d+"
DETAIL = re.compile(r"[.,(;\n]|\b\d|<duration>")  # what a message tells from there on changes as things go on
OF_PEOPLE = ("/people/", "/sandbox")
OF_AGENTS = ("Python-urllib",)
STEADY = (
    (re.compile(SUBJECT), "<model>"),
    (RUN_ID, "<run>"),
    (re.compile(r"(?<=/response/)[\w-]+"), "<id>"),
    (re.compile(r"(?<=-)[0-9a-f]{6,8}\b"), "<id>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<id>"),
    (re.compile(r"\b(version |v)\d+"), r"\1<n>"),
    (re.compile(r"T\d\d:\d\d\S*"), "<time>"),
    (re.compile(r"(?<=[/:@T=_-])F?\d[\dA-Z.]*(?=$|[/:?&_.-])"), "<n>"),
)


def steady(words: str) -> str:
    """The same for every run of a flow: names, ids and numbers of this one are taken out."""
    for pattern, instead in STEADY:
        words = pattern.sub(instead, words)
    return words


def name_of(service: str, call: Logged) -> str:
    """`Slack POST /api/chat.postMessage train:<run>`: a call by its service, method, path, and what it is about.

    Empty where it is not the bot's, for people, agents and jobs reach the twins by the same doors."""
    if call.path.startswith(OF_PEOPLE) or call.agent.startswith(OF_AGENTS):
        return ""
    return steady(f"{service} {call.method} {call.path.partition('?')[0]}{_about(call)}")


def _about(call: Logged) -> str:
    path = call.path.partition("?")[0]
    if path == "/api/chat.postMessage":
        return f" {key_of(json.loads(call.body))}"
    if path == "/api/chat.update":
        return f" “{DETAIL.split(steady_words(json.loads(call.body)['text']))[0].strip()}”"
    if "/pipelines/" in path and path.endswith("/runs") and call.body:
        correlation = str(json.loads(call.body)["templateParameters"]["correlationId"])
        return f" {RUN_ID.sub('<run>', correlation)}"
    return ""


def key_of(message: dict[str, object]) -> str:
    """The key that the courier has given a message, empty where somebody else has posted it."""
    metadata = message.get("metadata")
    return str(metadata["event_payload"]["key"]) if isinstance(metadata, dict) else ""


def services(world: World) -> Iterator[tuple[str, Faults]]:
    yield "Slack", world.slack_faults
    yield "Azure", world.azure_faults
    yield "DevOps", world.devops_faults
    yield "IoTHub", world.edge_faults


def called(world: World, since: float) -> list[str]:
    """The names of all calls since then, in order."""
    logged = [(entry, name) for name, faults in services(world) for entry in faults.log() if entry.at > since]
    logged.sort(key=lambda each: each[0].at)
    names = [name_of(name, entry) for entry, name in logged]
    return [name for name in names if name]

"""The people's side over HTTP: what the page and tests call, `/people/{user}/…`."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from ..announce import as_seen
from ..refusal import Json, Refused
from ..state import Slack
from ..workspace import BOT_USER, TEAM, Channel, Person
from . import acts, modals

KEEP_ALIVE_SECONDS = 10.0
Act = Callable[[Slack, Person, Json], Awaitable[Json]]


def routes(slack: Slack) -> list[web.RouteDef]:
    def serve(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                person = slack.workspace.person(request.match_info["user"])
                given = await request.json() if request.method == "POST" else dict(request.query)
                return web.json_response({"ok": True, **await act(slack, person, given)})
            except KeyError as missing:
                refused = Refused("missing_argument", message=f"missing {missing}")
            except Refused as caught:
                refused = caught
            return web.json_response({"message": refused.error, **refused.body()})

        return answer

    async def follow(request: web.Request) -> web.StreamResponse:
        return await _events(slack, request)

    return [
        web.get("/people/{user}/state", serve(_state)),
        web.get("/people/{user}/messages", serve(_messages)),
        web.get("/people/{user}/events", follow),
        web.post("/people/{user}/type", serve(_type)),
        web.post("/people/{user}/click", serve(_click)),
        web.post("/people/{user}/suggest", serve(_suggest)),
        web.post("/people/{user}/submit", serve(_submit)),
        web.post("/people/{user}/close", serve(_close)),
        web.post("/people/{user}/home", serve(_home)),
        web.post("/people/{user}/delete", serve(_delete)),
    ]


async def _state(slack: Slack, person: Person, _: Json) -> Json:
    workspace = slack.workspace
    home = slack.views.home(person.id)
    return {
        "team": {"id": TEAM, "name": workspace.name},
        "me": _person_json(person) | {"tz": person.tz},
        "people": [_person_json(p) | {"is_bot": p.is_bot} for p in workspace.people.values()],
        "channels": [
            _channel_json(channel, person)
            for channel in workspace.channels.values()
            if workspace.sees(person.id, channel)
        ],
        "groups": [{"id": g.id, "handle": g.handle, "name": g.name} for g in workspace.groups.values()],
        "commands": [
            {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
            for c in slack.app.commands.values()
        ],
        "bot": {"user_id": BOT_USER, "name": workspace.person(BOT_USER).real_name},
        "home": home.json() if home else None,
        "views": [view.json() for view in slack.views.stack(person.id)],
        "links": slack.links,
    }


def _person_json(person: Person) -> Json:
    return {"id": person.id, "name": person.name, "real_name": person.real_name, "title": person.title}


def _channel_json(channel: Channel, person: Person) -> Json:
    shown = {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_im": channel.is_im,
        "is_member": person.id in channel.members,
        "topic": channel.topic,
    }
    return shown | ({"user": BOT_USER} if channel.is_im else {})


async def _messages(slack: Slack, person: Person, asked: Json) -> Json:
    channel = slack.workspace.channel(asked["channel"])
    if not slack.workspace.sees(person.id, channel):
        raise Refused("channel_not_found")
    if thread_ts := asked.get("thread_ts"):
        found = slack.messages.in_thread(channel.id, thread_ts, person.id)
    else:
        found = slack.messages.in_channel(channel.id, person.id)
    return {"messages": [as_seen(slack, message) for message in found]}


async def _events(slack: Slack, request: web.Request) -> web.StreamResponse:
    user = request.match_info["user"]
    if user not in slack.workspace.people:
        raise web.HTTPNotFound
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    async with slack.feeds.follow(user) as queue:
        with contextlib.suppress(ConnectionResetError):  # the reader has left
            await response.prepare(request)
            await _send_events(response, queue)
    return response


async def _send_events(response: web.StreamResponse, queue: "asyncio.Queue[Json | None]") -> None:
    await response.write(b": hello\n\n")
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), KEEP_ALIVE_SECONDS)
        except TimeoutError:
            await response.write(b": still here\n\n")
            continue
        if event is None:
            return
        await response.write(f"data: {json.dumps(event)}\n\n".encode())


async def _type(slack: Slack, person: Person, given: Json) -> Json:
    await acts.type_text(slack, person, given["channel"], given["text"], given.get("thread_ts"))
    return {}


async def _click(slack: Slack, person: Person, given: Json) -> Json:
    await acts.click(slack, person, given)
    return {}


async def _suggest(slack: Slack, person: Person, given: Json) -> Json:
    return await acts.suggest(slack, person, given)


async def _submit(slack: Slack, person: Person, given: Json) -> Json:
    errors = await modals.submit(slack, person, given["view_id"], given.get("values") or {})
    return {"errors": errors} if errors else {}


async def _close(slack: Slack, person: Person, given: Json) -> Json:
    await modals.close(slack, person, given["view_id"])
    return {}


async def _home(slack: Slack, person: Person, _: Json) -> Json:
    acts.open_home(slack, person)
    return {}


async def _delete(slack: Slack, person: Person, given: Json) -> Json:
    acts.delete(slack, person, given["channel"], given["ts"])
    return {}

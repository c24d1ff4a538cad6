"""The smallest Bolt app that does what Spotter is timed at: what Spotter is measured against.

Over Socket Mode where SLACK_APP_TOKEN is set, else over HTTP as Spotter serves it.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aiohttp import web
from slack_bolt import Ack, App, BoltRequest, Respond
from slack_sdk import WebClient

pool = ThreadPoolExecutor(32)
writing = threading.Lock()
app = App(
    client=WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    process_before_response=True,
    listener_executor=pool,
    token_verification_enabled=False,
)


def acknowledge(ack: Ack) -> None:
    ack()


@cache
def clicks() -> sqlite3.Connection:
    """A database that is as careful as Spotter's."""
    file = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS clicks (at REAL)")
    return connection


def commit(ack: Ack) -> None:
    """First one row."""
    with writing:
        clicks().execute("INSERT INTO clicks VALUES (?)", (time.time(),))
    ack()


def answer(respond: Respond) -> None:
    respond("Nothing is running.")


def open_form(body: dict[str, Any], client: WebClient) -> None:
    text = {"type": "plain_text", "text": "Form"}
    field = {"type": "input", "label": text, "element": {"type": "plain_text_input", "action_id": "a"}}
    view = {"type": "modal", "callback_id": "train", "title": text, "submit": text, "blocks": [field]}
    client.views_open(trigger_id=body["trigger_id"], view=view)


def nothing() -> None:
    """After the ack of a form."""


def suggest(ack: Ack) -> None:
    ack(options=[{"text": {"type": "plain_text", "text": "one"}, "value": "one"}])


app.command("/runs")(ack=acknowledge, lazy=[answer])
app.command("/train")(ack=acknowledge, lazy=[open_form])
app.action("runs.details")(ack=acknowledge, lazy=[answer])
app.action("digest.pause")(ack=acknowledge, lazy=[answer])
app.action("digest.resume")(ack=acknowledge, lazy=[answer])
app.action("clicks.commit")(ack=commit, lazy=[answer])
app.view("models")(ack=acknowledge, lazy=[nothing])
app.view("clicks.commit")(ack=commit, lazy=[nothing])
app.options("models:name")(suggest)


async def events(request: web.Request) -> web.Response:
    body = await request.text()
    headers: dict[str, str | Sequence[str]] = dict(request.headers)
    bolt_request = BoltRequest(body=body, headers=headers)
    answered = await asyncio.get_running_loop().run_in_executor(pool, app.dispatch, bolt_request)
    kind = answered.first_headers().get("content-type", "text/plain").partition(";")[0]
    return web.Response(status=answered.status, text=answered.body, content_type=kind)


async def ready(_request: web.Request) -> web.Response:
    return web.json_response({"ready": True})


def serve() -> None:
    server = web.Application()
    server.add_routes([web.post("/slack/events", events), web.get("/readyz", ready)])
    web.run_app(server, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)


if __name__ == "__main__":
    if token := os.environ.get("SLACK_APP_TOKEN"):
        from slack_bolt.adapter.socket_mode import SocketModeHandler

        SocketModeHandler(app, token).start()  # type: ignore[no-untyped-call]  # untyped in slack_bolt
    else:
        serve()

"""The smallest Bolt app that acknowledges: what Spotter is measured against. Same transport as Spotter's HTTP mode."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from slack_bolt import Ack, App, BoltRequest
from slack_sdk import WebClient

pool = ThreadPoolExecutor(32)
app = App(
    client=WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    process_before_response=True,
    listener_executor=pool,
    token_verification_enabled=False,
)


def later() -> None:
    """What comes after the ack, in a lazy listener."""


def acknowledge(ack: Ack) -> None:
    ack()


def suggest(ack: Ack) -> None:
    ack(options=[{"text": {"type": "plain_text", "text": "one"}, "value": "one"}])


app.command("/runs")(ack=acknowledge, lazy=[later])
app.action("runs.details")(ack=acknowledge, lazy=[later])
app.options("train:dataset")(suggest)


async def events(request: web.Request) -> web.Response:
    body = await request.text()
    headers: dict[str, str | Sequence[str]] = dict(request.headers)
    bolt_request = BoltRequest(body=body, headers=headers)
    answer = await asyncio.get_running_loop().run_in_executor(pool, app.dispatch, bolt_request)
    return web.Response(status=answer.status, text=answer.body)


async def ready(_request: web.Request) -> web.Response:
    return web.json_response({"ready": True})


if __name__ == "__main__":
    server = web.Application()
    server.add_routes([web.post("/slack/events", events), web.get("/readyz", ready)])
    web.run_app(server, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)

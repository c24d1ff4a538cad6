"""Socket Mode through slack_sdk's aiohttp client."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.people import People
from sandbox.slack.twin import SlackTwin

from .conftest import MovableClock, StartSlack
from .slack_app import SILENCE, Json, SocketApp

LINE = "C0LINEVIS1"


@pytest.fixture
def connection_address(slack: SlackTwin) -> str:
    env = slack.env()
    web = WebClient(base_url=env["SLACK_API_URL"])
    return str(web.apps_connections_open(app_token=env["SLACK_APP_TOKEN"])["url"])


async def first_frame(url: str) -> Json:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        frame: Json = await socket.receive_json(timeout=60)
        return frame


def test_hello_names_the_app_and_the_connections(app: SocketApp) -> None:
    hello = app.until(lambda: [frame for frame in app.frames if frame["type"] == "hello"])[0]
    assert (hello["num_connections"], hello["connection_info"]) == (1, {"app_id": "A0SPOTTER1"})
    assert set(hello["debug_info"]) == {"host", "build_number", "approximate_connection_time"}


def test_an_address_works_once(connection_address: str) -> None:
    assert asyncio.run(first_frame(connection_address))["type"] == "hello"
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        asyncio.run(first_frame(connection_address))


def test_an_address_does_not_work_for_long(connection_address: str, slack_clock: MovableClock) -> None:
    slack_clock.forward(60)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        asyncio.run(first_frame(connection_address))


def test_the_eleventh_connection_is_turned_away(
    slack: SlackTwin, app: SocketApp, connection_address: str
) -> None:
    for _ in range(9):
        app.connect()
    goodbye = asyncio.run(first_frame(connection_address))
    assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "too_many_websockets")
    assert slack.connections == 10


def test_payloads_are_spread_over_the_connections(
    slack: SlackTwin, app: SocketApp, people: People, background_loop: asyncio.AbstractEventLoop
) -> None:
    second = SocketApp(slack, background_loop).connect()
    for number in range(40):
        people["trainer"].wire.post("type", channel=LINE, text=f"/train {number}")
    second.close()
    assert {len(app.received) > 0, len(second.received) > 0} == {True}
    assert len(app.received) + len(second.received) == 40


def test_an_acknowledged_command_answers_the_person(app: SocketApp, people: People) -> None:
    app.answer = lambda _: {"text": "*Hello*"}
    people["trainer"].types("/train")
    assert people["trainer"].sees("Hello").is_private
    app.answer = lambda _: {"response_type": "in_channel", "text": "to all"}
    people["trainer"].types("/train now")
    assert people.channel("line-vision").transcript() == "Trainer:\n  /train now\nSpotter:\n  to all"


def test_a_command_that_nobody_takes(slack: SlackTwin, people: People) -> None:
    people["trainer"].types("/train")
    people["trainer"].sees_notice("/train failed with the error “dispatch_failed”")


def test_what_is_acknowledged_too_late_is_not_sent_again(
    web: WebClient, app: SocketApp, people: People
) -> None:
    """Commands, clicks and submissions each wait three seconds, here side by side."""
    ts = str(web.chat_postMessage(channel=LINE, text="card", blocks=[CARD])["ts"])
    app.answer = lambda _: SILENCE
    trainer, approver = people["trainer"], people["first_approver"]
    click = {"container": {"channel": LINE, "ts": ts}, "block_id": "b", "action_id": "a"}
    with ThreadPoolExecutor() as pool:
        pool.submit(trainer.wire.post, "type", channel=LINE, text="/train")
        pool.submit(approver.wire.post, "click", **click)
    trainer.sees_notice("/train failed with the error “operation_timeout”")
    approver.sees_notice("Spotter did not respond")
    once = [request.type for request in app.received if request.type != "events_api"]
    assert sorted(once) == ["interactive", "slash_commands"]


CARD: Json = {
    "type": "actions",
    "block_id": "b",
    "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}}],
}


def test_refresh_is_announced_and_the_client_comes_back(slack: SlackTwin, app: SocketApp) -> None:
    app.until(lambda: slack.connections == 1 and [f for f in app.frames if f["type"] == "hello"])
    slack.disconnect("refresh_requested")
    app.until(lambda: [f for f in app.frames if f.get("reason") == "refresh_requested"])
    app.until(lambda: len([frame for frame in app.frames if frame["type"] == "hello"]) == 2)
    app.until(lambda: slack.connections == 1)


async def hears_a_warning_and_stays(slack: SlackTwin, url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.receive_json(timeout=60)
        await asyncio.to_thread(slack.disconnect, "warning")
        warning = await socket.receive_json(timeout=60)
        await socket.ping(b"still there")
        return warning["reason"] == "warning" and slack.connections == 1


def test_a_warning_leaves_the_connection_open(slack: SlackTwin, connection_address: str) -> None:
    assert asyncio.run(hears_a_warning_and_stays(slack, connection_address))


def test_link_disabled_ends_socket_mode(slack: SlackTwin, app: SocketApp) -> None:
    slack.disconnect("link_disabled")
    env = slack.env()
    with pytest.raises(SlackApiError, match="socket_mode_disabled"):
        WebClient(base_url=env["SLACK_API_URL"]).apps_connections_open(app_token=env["SLACK_APP_TOKEN"])


def test_a_cut_connection_is_replaced(slack: SlackTwin, app: SocketApp, people: People) -> None:
    slack.cut_connections()
    app.until(lambda: slack.connections == 1)
    people["trainer"].types("/train")
    app.gets("slash_commands")


def test_a_half_open_connection_is_noticed_by_the_client(slack: SlackTwin, app: SocketApp) -> None:
    slack.fall_silent()
    app.until(lambda: len([f for f in app.frames if f["type"] == "hello"]) == 2, timeout=60)


@pytest.fixture
def impatient(
    start_slack: StartSlack, background_loop: asyncio.AbstractEventLoop
) -> Iterator[tuple[SlackTwin, SocketApp]]:
    """Redelivers events quickly."""
    twin = start_slack(redelivery=(0.0, 0.2, 2.0, 3.0, 3.0))
    app = SocketApp(twin, background_loop)
    yield twin, app
    app.close()


def test_an_event_without_a_connection_is_delivered_later(impatient: tuple[SlackTwin, SocketApp]) -> None:
    twin, app = impatient
    with People(twin.url) as people:
        people["trainer"].types("@spotter hello")
        app.connect()
        mention = app.gets("events_api")
    assert mention.payload["event"]["text"] == "<@U0SPOTTER1> hello"
    assert (mention.retry_reason, mention.retry_attempt) != ("", 0)


def test_a_lost_connection_makes_an_event_come_again(impatient: tuple[SlackTwin, SocketApp]) -> None:
    twin, app = impatient
    app.answer = lambda _: SILENCE
    app.connect()
    with People(twin.url) as people:
        people["trainer"].types("hello")
        first = app.gets("events_api")
        app.answer = lambda _: None
        twin.cut_connections()
        app.until(lambda: len(app.received) >= 2, timeout=60)
    again = app.received[1]
    assert again.payload["event_id"] == first.payload["event_id"]
    assert again.envelope_id != first.envelope_id
    assert again.retry_attempt and again.retry_attempt > 0


def test_events_need_their_subscription_and_scope(
    start_slack: StartSlack, background_loop: asyncio.AbstractEventLoop
) -> None:
    twin = start_slack(scopes=["commands", "app_mentions:read"])
    app = SocketApp(twin, background_loop).connect()
    with People(twin.url) as people:
        people["trainer"].types("no mention")
        people["trainer"].types("@spotter hello")
        app.gets("events_api")
        people["trainer"].types("/train")
        app.gets("slash_commands")
    app.close()
    events = [request.payload["event"]["type"] for request in app.received if request.type == "events_api"]
    assert events == ["app_mention"]

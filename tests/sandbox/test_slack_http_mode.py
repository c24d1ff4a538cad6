"""HTTP mode in front of a real Bolt app, which checks every signature itself."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.request import BoltRequest
from slack_sdk.signature import SignatureVerifier

from sandbox.people import People
from sandbox.slack.twin import SlackTwin

from .conftest import StartSlack, web_client

Taken = tuple[dict[str, str], str]


class Server:
    """An HTTP server whose `serve` may be changed while it runs; `taken` are headers and bodies."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.serve: Callable[[dict[str, str], str], tuple[int, dict[str, str], str]] = lambda *_: (
            200,
            {},
            "",
        )
        outer = self

        class Handle(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.taken.append((headers, body))
                status, more, answer = outer.serve(headers, body)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handle)
        self.url = f"http://127.0.0.1:{self._server.server_port}/slack/events"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def until(self, found: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 60
        while not found():
            assert time.monotonic() < deadline, self.taken
            time.sleep(0.01)

    def events(self) -> list[Taken]:
        return [(headers, body) for headers, body in self.taken if '"event_callback"' in body]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def twin(start_slack: StartSlack, server: Server) -> SlackTwin:
    return start_slack(app_url=server.url, redelivery=(0.0, 0.05, 0.05))


def challenged(headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str] | None:
    if headers["content-type"] == "application/json" and "challenge" in json.loads(body):
        return 200, {}, str(json.loads(body)["challenge"])
    return None


@pytest.fixture
def bolt(twin: SlackTwin, server: Server) -> App:
    app = App(client=web_client(twin), signing_secret=twin.env()["SLACK_SIGNING_SECRET"])

    def serve(headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        response = app.dispatch(BoltRequest(body=body, headers={k: [v] for k, v in headers.items()}))
        return response.status, {k: v[0] for k, v in response.headers.items()}, response.body or ""

    server.serve = serve
    return app


@pytest.fixture
def plant(twin: SlackTwin) -> Iterator[People]:
    with People(twin.url, patience=5) as people:
        yield people


def test_a_bolt_app_trains_over_http(bolt: App, plant: People) -> None:
    view = {
        "type": "modal",
        "callback_id": "train",
        "title": {"type": "plain_text", "text": "Train a model"},
        "submit": {"type": "plain_text", "text": "Train"},
        "blocks": [
            {
                "type": "input",
                "block_id": "export",
                "label": {"type": "plain_text", "text": "Labeling export"},
                "element": {"type": "external_select", "action_id": "export", "min_query_length": 0},
            }
        ],
    }

    @bolt.command("/train")
    def train(ack: Any, body: Any, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @bolt.options("export")
    def exports(ack: Any) -> None:
        ack(options=[{"text": {"type": "plain_text", "text": "caps"}, "value": "caps"}])

    @bolt.view("train")
    def submitted(ack: Any, body: Any, client: Any) -> None:
        chosen = body["view"]["state"]["values"]["export"]["export"]["selected_option"]["value"]
        ack()
        client.chat_postMessage(channel="C0LINEVIS1", text=f"{body['user']['name']} trains on {chosen}")

    plant["trainer"].types("/train")
    plant["trainer"].sees_modal("Train a model").fills({"Labeling export": "caps"}).submits()
    plant.channel("line-vision").shows("trainer trains on caps")


def test_events_come_after_the_challenge_was_answered(bolt: App, server: Server, plant: People) -> None:
    heard = threading.Event()

    @bolt.event("app_mention")
    def mentioned() -> None:
        heard.set()

    plant["trainer"].types("@spotter hello")
    assert heard.wait(60)
    assert json.loads(server.taken[0][1])["type"] == "url_verification"


def test_every_request_is_signed(twin: SlackTwin, server: Server, plant: People) -> None:
    server.serve = lambda headers, body: challenged(headers, body) or (200, {}, "")
    plant["trainer"].types("/train")
    plant["trainer"].types("@spotter hello")
    server.until(server.events)
    verifier = SignatureVerifier(twin.env()["SLACK_SIGNING_SECRET"])
    assert all(verifier.is_valid_request(body, headers) for headers, body in server.taken)
    other = SignatureVerifier("another secret")
    assert not any(other.is_valid_request(body, headers) for headers, body in server.taken)


def test_an_app_with_the_wrong_secret_fails_the_command(
    bolt: App, twin: SlackTwin, server: Server, plant: People
) -> None:
    twin.app.signing_secret = "changed meanwhile"
    plant["trainer"].types("/train")
    plant["trainer"].sees_notice("/train failed with the error “dispatch_failed”")


def test_an_answer_in_plain_text_is_a_private_message(server: Server, plant: People) -> None:
    server.serve = lambda *_: (200, {}, "On my way")
    plant["trainer"].types("/train")
    assert plant["trainer"].sees("On my way").is_private


def tries(server: Server, text: str) -> list[tuple[str | None, str | None]]:
    """Number and reason of each try to deliver the mention with that text."""
    return [
        (headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason"))
        for headers, body in server.events()
        if json.loads(body)["event"]["type"] == "app_mention" and text in body
    ]


def test_events_are_sent_again_unless_the_app_refuses(server: Server, plant: People) -> None:
    def serve(headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        refuses = {"X-Slack-No-Retry": "1"} if "once" in body else {}
        return challenged(headers, body) or (500, refuses, "")

    server.serve = serve
    plant["trainer"].types("@spotter once")
    plant["trainer"].types("@spotter always")
    server.until(lambda: len(tries(server, "always")) == 4)
    again = [("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert tries(server, "always") == [(None, None), *again]
    assert tries(server, "once") == [(None, None)]


def test_without_the_challenge_no_event_is_sent(server: Server, plant: People) -> None:
    plant["trainer"].types("@spotter hello")
    server.until(lambda: len(server.taken) >= 4)
    assert server.events() == []


def test_socket_mode_is_off(twin: SlackTwin) -> None:
    web, env = web_client(twin), twin.env()
    with pytest.raises(Exception, match="socket_mode_not_enabled"):
        web.apps_connections_open(app_token=env["SLACK_APP_TOKEN"])

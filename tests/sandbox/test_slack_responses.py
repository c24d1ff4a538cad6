"""response_url: five uses in half an hour, and what becomes of the message it came from."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from sandbox.people import People

from .conftest import MovableClock
from .slack_app import Json, SocketApp
from .test_slack_web_api import LINE

CARD: Json = {
    "type": "actions",
    "elements": [
        {"type": "button", "action_id": "go", "value": "7", "text": {"type": "plain_text", "text": "Go"}}
    ],
}


@pytest.fixture
def after_command(app: SocketApp, people: People) -> WebhookClient:
    people["trainer"].types("/train")
    return WebhookClient(app.gets("slash_commands").payload["response_url"])


@pytest.fixture
def after_click(web: WebClient, app: SocketApp, people: People) -> WebhookClient:
    web.chat_postMessage(channel=LINE, text="card", blocks=[CARD])
    people["trainer"].clicks("Go", on=people.channel("line-vision").shows(r"\[Go\]"))
    return WebhookClient(app.gets("interactive", type="block_actions").payload["response_url"])


def sent(hook: WebhookClient, **message: Any) -> tuple[int, str]:
    answer = hook.send_dict(message)
    return answer.status_code, answer.body


def test_answers_are_private_unless_they_say_otherwise(after_command: WebhookClient, people: People) -> None:
    assert sent(after_command, text="for you") == (200, "ok")
    assert people["trainer"].sees("for you").is_private
    sent(after_command, text="for all", response_type="in_channel")
    assert not people.channel("line-vision").shows("for all").is_private


def test_five_uses(after_command: WebhookClient) -> None:
    statuses = [sent(after_command, text=str(number))[0] for number in range(6)]
    assert statuses == [200] * 5 + [404]
    assert sent(after_command, text="x")[1] == '{"ok": false, "error": "used_url"}'


def test_half_an_hour(after_command: WebhookClient, slack_clock: MovableClock) -> None:
    slack_clock.forward(31 * 60)
    assert sent(after_command, text="late") == (404, '{"ok": false, "error": "expired_url"}')


def test_a_wrong_message_is_refused(after_command: WebhookClient) -> None:
    assert sent(after_command, blocks=[{"type": "sparkline"}])[0] == 400
    assert sent(after_command, response_type="ephemeral") == (400, '{"ok": false, "error": "no_text"}')


def test_the_original_is_replaced(after_click: WebhookClient, people: People) -> None:
    sent(after_click, text="done", replace_original=True)
    line = people.channel("line-vision")
    assert line.transcript() == "Spotter:\n  done"
    sent(after_click, delete_original=True)
    assert line.transcript() == ""


def test_the_original_stays_when_asked(after_click: WebhookClient, people: People) -> None:
    sent(after_click, text="noted", replace_original=False)
    people["trainer"].sees("noted")
    assert people.channel("line-vision").transcript() == "Spotter:\n  [Go]"


def test_an_answer_goes_into_the_thread(after_click: WebhookClient, people: People) -> None:
    card = people.channel("line-vision").shows("Go")
    sent(after_click, text="in here", replace_original=False, response_type="in_channel", thread_ts=card.ts)
    assert [reply.text for reply in card.thread()] == ["in here"]


def test_an_ephemeral_answer_can_be_replaced(app: SocketApp, people: People) -> None:
    app.answer = lambda request: {"text": "x", "blocks": [CARD]} if request.type == "slash_commands" else None
    people["trainer"].types("/train")
    private = people["trainer"].sees(r"\[Go\]")
    people["trainer"].clicks("Go", on=private)
    payload = app.gets("interactive", type="block_actions").payload
    assert (payload["container"]["is_ephemeral"], "message" in payload) == (True, False)
    sent(WebhookClient(payload["response_url"]), text="replaced", replace_original=True)
    assert people["trainer"].sees("replaced").ts == private.ts

"""The keys of what Slack sends, as in its documentation and its SDKs' recorded payloads."""

import pytest
from slack_sdk import WebClient

from sandbox.people import People

from .slack_app import Json, SocketApp
from .test_slack_web_api import LINE, TRAINER

INTERACTION = {"type", "user", "api_app_id", "token", "team", "enterprise", "is_enterprise_install"}
VIEW = {
    "id",
    "team_id",
    "type",
    "blocks",
    "private_metadata",
    "callback_id",
    "state",
    "hash",
    "title",
    "clear_on_close",
    "notify_on_close",
    "close",
    "submit",
    "previous_view_id",
    "root_view_id",
    "app_id",
    "external_id",
    "app_installed_team_id",
    "bot_id",
}
CARD: Json = {
    "type": "actions",
    "block_id": "card",
    "elements": [
        {"type": "button", "action_id": "go", "value": "7", "text": {"type": "plain_text", "text": "Go"}},
        {
            "type": "static_select",
            "action_id": "pick",
            "placeholder": {"type": "plain_text", "text": "Pick"},
            "options": [{"text": {"type": "plain_text", "text": "One"}, "value": "1"}],
        },
    ],
}
MODAL: Json = {
    "type": "modal",
    "callback_id": "train",
    "title": {"type": "plain_text", "text": "Train"},
    "submit": {"type": "plain_text", "text": "Go"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "external_select", "action_id": "a", "min_query_length": 0},
            "optional": True,
        }
    ],
}


def test_a_slash_command(app: SocketApp, people: People) -> None:
    people["trainer"].types("/train  Cap_Model caps ", in_="quality")
    request = app.gets("slash_commands")
    assert set(request.payload) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }
    told = [request.payload[name] for name in ("command", "text", "user_id", "user_name", "channel_name")]
    assert told == ["/train", "Cap_Model caps", TRAINER, "trainer", "privategroup"]
    assert (request.accepts_response_payload, request.retry_attempt) == (True, None)


def test_a_click_in_a_message(web: WebClient, app: SocketApp, people: People) -> None:
    posted = web.chat_postMessage(channel=LINE, text="card", blocks=[CARD])
    trainer, card = people["trainer"], people.channel("line-vision").shows("Go")
    trainer.picks("One", from_="Pick", on=card)
    app.gets("interactive")
    app.received.clear()
    trainer.clicks("Go", on=card)
    payload = app.gets("interactive").payload
    assert set(payload) == INTERACTION | {
        "container",
        "trigger_id",
        "channel",
        "message",
        "state",
        "response_url",
        "actions",
    }
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": LINE,
        "is_ephemeral": False,
    }
    assert payload["channel"] == {"id": LINE, "name": "line-vision"}
    assert payload["message"] == web.conversations_history(channel=LINE)["messages"][0]
    assert payload["state"]["values"]["card"]["pick"]["selected_option"]["value"] == "1"
    action = payload["actions"][0]
    assert set(action) == {"action_id", "block_id", "text", "value", "type", "action_ts"}
    assert (action["type"], action["value"]) == ("button", "7")
    assert set(payload["user"]) == {"id", "username", "name", "team_id"}


def test_a_click_in_a_thread_names_it(web: WebClient, app: SocketApp, people: People) -> None:
    parent = web.chat_postMessage(channel=LINE, text="parent")["ts"]
    web.chat_postMessage(channel=LINE, text="card", blocks=[CARD], thread_ts=parent)
    reply = people.channel("line-vision").shows("parent").thread_shows("Go")
    people["trainer"].clicks("Go", on=reply)
    assert app.gets("interactive").payload["container"]["thread_ts"] == parent


def test_a_modal_from_type_ahead_to_closing(web: WebClient, app: SocketApp, people: People) -> None:
    people["trainer"].types("/train")
    web.views_open(trigger_id=app.gets("slash_commands").payload["trigger_id"], view=MODAL)
    modal = people["trainer"].sees_modal("Train")
    modal.field("Name").offers("cap")
    suggestion = app.gets("interactive", type="block_suggestion")
    assert set(suggestion.payload) == INTERACTION | {"container", "action_id", "block_id", "value", "view"}
    assert (suggestion.payload["value"], suggestion.accepts_response_payload) == ("cap", True)
    app.answer = lambda _: {"response_action": "push", "view": MODAL}
    modal.submits()
    submission = app.gets("interactive", type="view_submission").payload
    assert set(submission) == INTERACTION | {"trigger_id", "view", "response_urls"}
    assert set(submission["view"]) == VIEW
    assert submission["view"]["state"]["values"] == {
        "b": {"a": {"type": "external_select", "selected_option": None}}
    }
    app.answer = lambda _: None
    people["trainer"].sees_modal("Train").closes()
    closed = app.gets("interactive", type="view_closed").payload
    assert set(closed) == INTERACTION | {"view", "is_cleared"}
    assert closed["view"]["previous_view_id"] == modal.view["id"]


@pytest.mark.parametrize(("kind", "extra"), [("app_mention", set()), ("message", {"channel_type"})])
def test_events(app: SocketApp, people: People, kind: str, extra: set[str]) -> None:
    people["trainer"].types("@spotter & <co>")
    app.until(lambda: len(app.received) == 2)
    found = [request for request in app.received if request.payload["event"]["type"] == kind]
    request = found[0]
    assert set(request.payload) == {
        "token",
        "team_id",
        "api_app_id",
        "event",
        "type",
        "event_id",
        "event_time",
        "authorizations",
        "is_ext_shared_channel",
        "event_context",
    }
    event = request.payload["event"]
    assert (
        set(event)
        == {
            "client_msg_id",
            "type",
            "text",
            "user",
            "ts",
            "team",
            "blocks",
            "channel",
            "event_ts",
        }
        | extra
    )
    assert event["text"] == "<@U0SPOTTER1> &amp; &lt;co&gt;"
    elements = event["blocks"][0]["elements"][0]["elements"]
    assert elements == [
        {"type": "user", "user_id": "U0SPOTTER1"},
        {"type": "text", "text": " & <co>"},
    ]
    assert (request.accepts_response_payload, request.retry_attempt, request.retry_reason) == (False, 0, "")


def test_a_posted_message(web: WebClient) -> None:
    posted = web.chat_postMessage(channel=LINE, text="hello")
    assert set(posted.data) == {"ok", "channel", "ts", "message"}
    assert set(posted["message"]) == {
        "type",
        "user",
        "text",
        "ts",
        "bot_id",
        "app_id",
        "bot_profile",
        "team",
    }
    history = web.conversations_history(channel=LINE)
    assert set(history.data) == {
        "ok",
        "messages",
        "has_more",
        "pin_count",
        "channel_actions_ts",
        "channel_actions_count",
    }


def test_message_changes_and_deletions_are_events(web: WebClient, app: SocketApp) -> None:
    ts = web.chat_postMessage(channel=LINE, text="one")["ts"]
    web.chat_update(channel=LINE, ts=ts, text="two")
    web.chat_delete(channel=LINE, ts=ts)
    app.until(lambda: len(app.received) == 3)
    by_subtype = {r.payload["event"].get("subtype"): r.payload["event"] for r in app.received}
    changed, deleted = by_subtype["message_changed"], by_subtype["message_deleted"]
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("two", "one")
    assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (ts, "two")
    assert {"hidden", "channel", "channel_type", "ts", "event_ts"} <= set(changed) & set(deleted)

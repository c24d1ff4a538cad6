"""Modals and Home: triggers, the stack, hashes, what people enter and what apps answer."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.socket_mode.request import SocketModeRequest

from sandbox.people import Modal, People, RefusedError

from .conftest import MovableClock
from .slack_app import Json, SocketApp
from .test_slack_web_api import TRAINER, refusal


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(text: str) -> Json:
    return {"text": words(text), "value": text.lower()}


def modal(*blocks: Json, title: str = "Train a model", **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "train",
        "title": words(title),
        "submit": words("Train"),
        "close": words("Cancel"),
        "blocks": list(blocks),
        **more,
    }


def asked(label: str, block_id: str, element: Json, **more: Any) -> Json:
    element = {"action_id": "a", **element}
    return {"type": "input", "block_id": block_id, "label": words(label), "element": element, **more}


NAME = asked("Model name", "name", {"type": "plain_text_input", "min_length": 3, "max_length": 20})
EXPORT = asked("Labeling export", "export", {"type": "external_select", "min_query_length": 0})
CLUSTER = asked(
    "GPU cluster", "cluster", {"type": "static_select", "options": [option("Small"), option("Large")]}
)
NOTE = asked("Note", "note", {"type": "plain_text_input"}, optional=True)

Open = Callable[..., Modal]


@pytest.fixture
def trigger(app: SocketApp, people: People) -> Callable[[], str]:
    """A fresh trigger id, from a command that the trainer types."""

    def fresh() -> str:
        before = len(app.received)
        people["trainer"].types("/train")
        app.until(lambda: len(app.received) > before)
        return str(app.received[-1].payload["trigger_id"])

    return fresh


@pytest.fixture
def opened(web: WebClient, people: People, trigger: Callable[[], str]) -> Open:
    def open_(view: Json) -> Modal:
        web.views_open(trigger_id=trigger(), view=view)
        return people["trainer"].sees_modal(view["title"]["text"])

    return open_


def on_submission(payload: Json | None) -> Callable[[SocketModeRequest], Json | None]:
    def answer(request: SocketModeRequest) -> Json | None:
        if request.payload.get("type") == "block_suggestion":
            found = [name for name in ("Caps 2026", "Lids 2026") if request.payload["value"] in name]
            return {"options": [option(name) for name in found]}
        return payload if request.payload.get("type") == "view_submission" else None

    return answer


def test_a_trigger_works_once_and_for_three_seconds(
    web: WebClient, trigger: Callable[[], str], slack_clock: MovableClock
) -> None:
    slack_clock.hold()
    first, second = trigger(), trigger()
    assert web.views_open(trigger_id=first, view=modal(NOTE))["ok"]
    assert refusal(web.views_open, trigger_id=first, view=modal(NOTE))["error"] == "exchanged_trigger_id"
    slack_clock.forward(3.5)
    assert refusal(web.views_open, trigger_id=second, view=modal(NOTE))["error"] == "expired_trigger_id"
    assert refusal(web.views_open, trigger_id="1.2.x", view=modal(NOTE))["error"] == "invalid_trigger_id"


def test_a_wrong_view_leaves_the_trigger_usable(web: WebClient, trigger: Callable[[], str]) -> None:
    fresh = trigger()
    wrong = refusal(web.views_open, trigger_id=fresh, view=modal(NOTE, title="x" * 25))
    assert wrong["response_metadata"]["messages"] == [
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    ]
    unsent = {name: value for name, value in modal(NOTE).items() if name != "submit"}
    wrong = refusal(web.views_open, trigger_id=fresh, view=unsent)
    assert wrong["response_metadata"]["messages"] == [
        "[ERROR] must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/input]"
    ]
    assert web.views_open(trigger_id=fresh, view=modal(NOTE))["ok"]


def test_an_update_keeps_the_id_and_changes_the_hash(web: WebClient, opened: Open) -> None:
    seen = opened(modal(NOTE, external_id="training"))
    view_id, old_hash = seen.view["id"], seen.view["hash"]
    updated = web.views_update(view_id=view_id, hash=old_hash, view=modal(NAME))["view"]
    assert (updated["id"], updated["hash"] == old_hash) == (view_id, False)
    stale = refusal(web.views_update, view_id=view_id, hash=old_hash, view=modal(NOTE))
    assert stale["error"] == "hash_conflict"
    assert refusal(web.views_update, view_id="V0", view=modal(NOTE))["error"] == "not_found"
    assert seen.becomes("Model name").labels == ["Model name"]


def test_external_ids_are_unique(web: WebClient, opened: Open, trigger: Callable[[], str]) -> None:
    opened(modal(NOTE, external_id="training"))
    again = refusal(web.views_open, trigger_id=trigger(), view=modal(NOTE, external_id="training"))
    assert again["error"] == "duplicate_external_id"
    assert web.views_update(external_id="training", view=modal(NAME))["ok"]


def test_a_stack_is_three_deep(web: WebClient, app: SocketApp, people: People, opened: Open) -> None:
    more = {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "more", "text": words("More")}],
    }
    top = opened(modal(more, title="One"))
    ids = [top.view["id"]]
    for title in ("Two", "Three", "Four"):
        app.received.clear()
        top.clicks("More")
        fresh = app.gets("interactive", type="block_actions").payload["trigger_id"]
        if title == "Four":
            deep = refusal(web.views_push, trigger_id=fresh, view=modal(more, title=title))
            assert deep["error"] == "push_limit_reached"
            break
        web.views_push(trigger_id=fresh, view=modal(more, title=title))
        top = people["trainer"].sees_modal(title)
        ids.append(top.view["id"])
    assert (top.view["previous_view_id"], top.view["root_view_id"]) == (ids[1], ids[0])
    top.closes()
    assert people["trainer"].sees_modal("Two").view["id"] == ids[1]


def test_a_trigger_from_outside_cannot_push(web: WebClient, opened: Open, trigger: Callable[[], str]) -> None:
    opened(modal(NOTE))
    assert refusal(web.views_push, trigger_id=trigger(), view=modal(NOTE))["error"] == "invalid_arguments"


def test_slack_checks_fields_before_the_app_hears_of_them(app: SocketApp, opened: Open) -> None:
    seen = opened(modal(NAME, CLUSTER, NOTE))
    seen.submits_and_sees({"Model name": "Please complete", "GPU cluster": "Please complete"})
    seen.fills({"Model name": "ab", "GPU cluster": "Large"})
    seen.submits_and_sees({"Model name": "at least 3 characters"})
    assert [r for r in app.received if r.payload.get("type") == "view_submission"] == []
    seen.fills({"Model name": "Cap_Model"}).submits()
    values = app.gets("interactive", type="view_submission").payload["view"]["state"]["values"]
    assert values["name"]["a"] == {"type": "plain_text_input", "value": "Cap_Model"}
    assert values["cluster"]["a"]["selected_option"]["value"] == "large"
    assert values["note"]["a"]["value"] is None


def test_type_ahead_offers_what_the_app_finds(app: SocketApp, opened: Open) -> None:
    app.answer = on_submission(None)
    seen = opened(modal(EXPORT))
    assert seen.field("Labeling export").offers("2026") == ["Caps 2026", "Lids 2026"]
    with pytest.raises(RefusedError, match="“Corks” is not offered"):
        seen.fills({"Labeling export": "Corks"})
    seen.fills({"Labeling export": "Caps"}).submits()
    request = app.gets("interactive", type="block_suggestion").payload
    assert (request["block_id"], request["action_id"], request["view"]["callback_id"]) == (
        "export",
        "a",
        "train",
    )


def test_an_option_that_was_never_offered_is_refused(app: SocketApp, opened: Open) -> None:
    app.answer = on_submission(None)
    seen = opened(modal(EXPORT))
    chosen = {"export": {"a": {"type": "external_select", "selected_option": option("Made up")}}}
    with pytest.raises(RefusedError, match="not among the options"):
        seen.wire.post("submit", view_id=seen.view["id"], values=chosen)


def test_an_answer_with_errors_keeps_the_modal_open(app: SocketApp, people: People, opened: Open) -> None:
    app.answer = on_submission({"response_action": "errors", "errors": {"name": "That name is taken."}})
    seen = opened(modal(NAME)).fills({"Model name": "Cap_Model"})
    seen.submits_and_sees({"Model name": "That name is taken."})
    assert "! That name is taken." in seen.text
    assert people["trainer"].sees_modal("Train a model").view["id"] == seen.view["id"]


def test_an_answer_may_update_push_or_clear(app: SocketApp, people: People, opened: Open) -> None:
    trainer = people["trainer"]
    app.answer = on_submission({"response_action": "update", "view": modal(NOTE, title="Updated")})
    opened(modal(NOTE)).submits()
    app.answer = on_submission({"response_action": "push", "view": modal(NOTE, title="Pushed")})
    trainer.sees_modal("Updated").submits()
    app.answer = on_submission({"response_action": "clear"})
    trainer.sees_modal("Pushed").submits()
    trainer.sees_no_modal()


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "dance"},
    ],
)
def test_an_answer_that_breaks_the_rules_looks_like_trouble(
    app: SocketApp, opened: Open, answer: Json
) -> None:
    app.answer = on_submission(answer)
    with pytest.raises(RefusedError, match="We had some trouble connecting"):
        opened(modal(NOTE)).submits()


def test_closing_is_told_to_apps_that_ask(app: SocketApp, people: People, opened: Open) -> None:
    opened(modal(NOTE, notify_on_close=True, clear_on_close=True)).closes()
    closed = app.gets("interactive", type="view_closed").payload
    assert (closed["is_cleared"], closed["view"]["callback_id"]) == (True, "train")
    people["trainer"].sees_no_modal()


def test_an_input_that_dispatches_tells_the_app_at_once(app: SocketApp, opened: Open) -> None:
    seen = opened(modal(CLUSTER | {"dispatch_action": True}, NAME)).fills({"Model name": "Cap_Model"})
    seen.fills({"GPU cluster": "Large"})
    payload = app.gets("interactive", type="block_actions").payload
    assert payload["container"] == {"type": "view", "view_id": seen.view["id"]}
    assert payload["actions"][0]["selected_option"]["value"] == "large"
    assert payload["view"]["state"]["values"]["name"]["a"]["value"] == "Cap_Model"


def test_entered_values_survive_an_update_of_the_same_fields(
    web: WebClient, app: SocketApp, opened: Open
) -> None:
    seen = opened(modal(CLUSTER | {"dispatch_action": True})).fills({"GPU cluster": "Large"})
    app.gets("interactive", type="block_actions")
    web.views_update(view_id=seen.view["id"], view=modal(CLUSTER, NOTE))
    assert seen.becomes("Note").view["state"]["values"]["cluster"]["a"]["selected_option"]["value"] == "large"


def test_home_is_published_and_opened(web: WebClient, app: SocketApp, people: People) -> None:
    blocks = [{"type": "header", "text": words("Nothing waits for you")}]
    view = {"type": "home", "blocks": blocks}
    published = web.views_publish(user_id=TRAINER, view=view)["view"]
    home = people["trainer"].opens_home("Nothing waits")
    event = app.gets("events_api").payload["event"]
    assert (event["type"], event["tab"], event["view"]["id"]) == ("app_home_opened", "home", home.view["id"])
    again = web.views_publish(user_id=TRAINER, view=view, hash=published["hash"])["view"]
    assert again["id"] == published["id"]
    stale = refusal(web.views_publish, user_id=TRAINER, view=view, hash=published["hash"])
    assert stale["error"] == "hash_conflict"
    assert refusal(web.views_publish, user_id=TRAINER, view=modal(NOTE))["error"] == "invalid_arguments"
    assert refusal(web.views_publish, user_id="U0NOBODY01", view=view)["error"] == "user_not_found"


def test_a_view_that_is_too_large(web: WebClient) -> None:
    metadata = {"type": "home", "blocks": [], "private_metadata": "x" * 260_000}
    assert refusal(web.views_publish, user_id=TRAINER, view=metadata)["error"] == "view_too_large"

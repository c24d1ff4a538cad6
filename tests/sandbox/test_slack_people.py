"""The people's side: what persons can do, what they read, and how waiting fails."""

from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.people import NotSeenError, People, RefusedError, steady

from .slack_app import Json, SocketApp
from .test_slack_web_api import LINE, OUTSIDER, TRAINER


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def cell(text: str) -> Json:
    return {"type": "raw_text", "text": text}


BLOCKS: list[Json] = [
    {"type": "header", "text": words("Cap_Model: trial 2 of 4")},
    {
        "type": "section",
        "text": {
            "type": "mrkdwn",
            "text": f"*Best mAP* `0.81` by <@{TRAINER}> in <#C0LINE3001> &amp; <https://x.example|here>",
        },
        "fields": [{"type": "mrkdwn", "text": "*Cluster*\ngpu_small_a"}],
    },
    {"type": "table", "rows": [[cell("Metric"), cell("v2")], [cell("Precision"), cell("0.9")]]},
    {
        "type": "data_visualization",
        "title": "mAP climbs",
        "chart": {
            "type": "line",
            "series": [{"name": "mAP", "data": [{"label": "v1", "value": 0.7}]}],
            "axis_config": {"categories": ["v1"]},
        },
    },
    {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a bottle with a box"},
    {
        "type": "context",
        "elements": [
            {"type": "mrkdwn", "text": "<!date^1795351498^{date_short} at {time}|2026-11-22 14:05 UTC>"},
            {"type": "mrkdwn", "text": "_caps_2026_a_"},
        ],
    },
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "cancel",
                "style": "danger",
                "text": words("Cancel run"),
                "value": "run-1",
                "confirm": {"title": words("Cancel?"), "text": words("It stops.")},
            },
            {
                "type": "overflow",
                "action_id": "more",
                "options": [
                    {"text": words("Details"), "value": "details"},
                    {"text": words("Log"), "value": "log"},
                ],
            },
            {
                "type": "static_select",
                "action_id": "pick",
                "placeholder": words("Compare with"),
                "options": [{"text": words("v1"), "value": "1"}],
            },
        ],
    },
]


def test_a_message_reads_as_plain_text(web: WebClient, people: People) -> None:
    web.chat_postMessage(channel=LINE, text="fallback", blocks=BLOCKS)
    card = people.channel("line-vision").shows("trial 2 of 4")
    assert card.text == (
        "# Cap_Model: trial 2 of 4\n"
        "Best mAP 0.81 by @Trainer in #line-3 & here\n"
        "Cluster gpu_small_a\n"
        "Metric    | v2\n"
        "Precision | 0.9\n"
        "(line chart: mAP climbs)\n"
        "  mAP: v1 0.7\n"
        "(image: a bottle with a box)\n"
        "2026-11-22 14:05 UTC · caps_2026_a\n"
        "[Cancel run] [… Details / Log] [Compare with ▾]"
    )
    assert card.buttons == ["Cancel run", "Details", "Log", "Compare with"]


def test_clicks_reach_the_app_as_what_was_clicked(web: WebClient, app: SocketApp, people: People) -> None:
    web.chat_postMessage(channel=LINE, text="x", blocks=BLOCKS)
    trainer, card = people["trainer"], people.channel("line-vision").shows("trial 2")

    def clicked(label: str) -> Json:
        app.received.clear()
        trainer.clicks(label, on=card)
        action: Json = app.gets("interactive", type="block_actions").payload["actions"][0]
        return action

    assert clicked("Cancel run")["value"] == "run-1"
    assert clicked("Log")["selected_option"]["value"] == "log"
    app.received.clear()
    trainer.picks("v1", from_="Compare with", on=card)
    assert app.gets("interactive").payload["actions"][0]["selected_option"]["value"] == "1"


def test_a_declined_confirmation_sends_nothing(web: WebClient, app: SocketApp, people: People) -> None:
    web.chat_postMessage(channel=LINE, text="x", blocks=BLOCKS)
    card = people.channel("line-vision").shows("trial 2")
    people["trainer"].clicks("Cancel run", on=card, confirm=False)
    people["trainer"].types("/train")
    app.gets("slash_commands")
    assert [request for request in app.received if request.type == "interactive"] == []


def test_the_value_of_a_button_is_the_messages_own(web: WebClient, app: SocketApp, people: People) -> None:
    posted = web.chat_postMessage(channel=LINE, text="x", blocks=BLOCKS)["message"]
    people["trainer"].wire.post(
        "click",
        container={"channel": LINE, "ts": posted["ts"]},
        block_id=posted["blocks"][-1]["block_id"],
        action_id="cancel",
        payload={"value": "run-2"},
    )
    assert app.gets("interactive").payload["actions"][0]["value"] == "run-1"


def test_a_button_that_is_gone(web: WebClient, app: SocketApp, people: People) -> None:
    ts = web.chat_postMessage(channel=LINE, text="x", blocks=BLOCKS)["ts"]
    card = people.channel("line-vision").shows("trial 2")
    web.chat_update(channel=LINE, ts=ts, text="done")
    with pytest.raises(RefusedError, match="no longer there"):
        people["trainer"].clicks("Cancel run", on=card)
    assert card.becomes("done").buttons == []
    with pytest.raises(RefusedError, match="no “Cancel run”, only nothing to press"):
        people["trainer"].clicks("Cancel run", on=card)


def test_people_write_mention_and_answer_in_threads(people: People) -> None:
    trainer, line = people["trainer"], people.channel("line-vision")
    trainer.types("@spotter and @edge-approvers, see #line-3 & <this>")
    people["outsider"].types("why?", thread=line.shows("see"))
    assert line.transcript() == (
        "Trainer:\n  @Spotter and @edge-approvers, see #line-3 & <this>\n  Outsider:\n    why?"
    )
    root = line.shows("see")
    assert (root.json["reply_count"], root.thread_shows("why").author) == (1, "Outsider")


def test_what_slack_does_not_let_people_do(web: WebClient, people: People) -> None:
    trainer = people["trainer"]
    with pytest.raises(RefusedError, match="/dance is not a valid command"):
        trainer.types("/dance")
    posted = web.chat_postMessage(channel=LINE, text="card")
    card = people.channel("line-vision").shows("card")
    with pytest.raises(RefusedError, match="not supported in threads"):
        trainer.types("/train", thread=card)
    with pytest.raises(RefusedError, match="only delete your own"):
        trainer.deletes(card)
    with pytest.raises(RefusedError, match="channel_not_found"):
        people["outsider"].types("hello", in_="quality")
    assert posted["ok"]


def test_people_delete_what_is_theirs(web: WebClient, people: People) -> None:
    trainer, line = people["trainer"], people.channel("line-vision")
    trainer.types("oops")
    trainer.deletes(line.shows("oops"))
    web.chat_postEphemeral(channel=LINE, user=TRAINER, text="dismiss me")
    trainer.deletes(trainer.sees("dismiss me"))
    assert trainer.messages(LINE) == []


def test_private_channels_stay_private(people: People) -> None:
    names = {
        role: [channel["name"] for channel in people[role].state()["channels"]]
        for role in ("first_approver", "outsider")
    }
    assert "quality" in names["first_approver"]
    assert "quality" not in names["outsider"]


def test_the_state_has_what_a_page_needs(people: People) -> None:
    state = people["trainer"].state()
    assert state["me"] == {
        "id": TRAINER,
        "name": "trainer",
        "real_name": "Trainer",
        "title": "Vision engineer",
        "tz": "Europe/Amsterdam",
    }
    assert state["commands"] == [{"command": "/train", "description": "Train", "usage_hint": "[model]"}]
    assert {c["name"]: c["is_member"] for c in state["channels"]}["general"] is True
    assert (state["home"], state["views"], state["bot"]["name"]) == (None, [], "Spotter")


def events_of(people: People, role: str) -> list[Json]:
    """Everything that role's stream carries from now on."""
    heard: list[Json] = []
    feed = people[role].feed
    hear = feed._hear

    def listen(event: Json) -> None:
        heard.append(event)
        hear(event)

    feed._hear = listen  # type: ignore[method-assign]  # the stream itself is under test
    return heard


def test_each_change_is_streamed_to_those_who_see_it(web: WebClient, app: SocketApp, people: People) -> None:
    trainer, outsider = events_of(people, "trainer"), events_of(people, "outsider")
    ts = web.chat_postMessage(channel=LINE, text="one")["ts"]
    web.chat_update(channel=LINE, ts=ts, text="two")
    web.chat_postMessage(channel=LINE, text="reply", thread_ts=ts)
    web.chat_postEphemeral(channel=LINE, user=TRAINER, text="psst")
    web.chat_postMessage(channel="C0QUALITY1", text="secret")
    web.chat_delete(channel=LINE, ts=ts)
    web.views_publish(user_id=TRAINER, view={"type": "home", "blocks": []})
    app.until(lambda: [event for event in trainer if event["type"] == "home"])
    app.until(lambda: [event for event in outsider if event["type"] == "message_deleted"])
    told: list[tuple[Any, Any]] = [(e["type"], e.get("message", {}).get("text")) for e in trainer]
    shared = [
        ("message", "one"),
        ("message_changed", "two"),
        ("message", "reply"),
        ("message_changed", "two"),
    ]
    assert told == [
        *shared,
        ("message", "psst"),
        ("message", "secret"),
        ("message_deleted", None),
        ("home", None),
    ]
    assert [(e["type"], e.get("message", {}).get("text")) for e in outsider] == [
        *shared,
        ("message_deleted", None),
    ]
    assert trainer[3]["message"]["reply_count"] == 1


def test_only_new_answers_count(web: WebClient, app: SocketApp, people: People) -> None:
    app.answer = lambda request: {"text": "Trained."} if request.type == "slash_commands" else None
    trainer = people["trainer"]
    trainer.types("/train")
    first = trainer.sees("Trained")
    trainer.types("/train")
    assert trainer.sees("Trained").ts > first.ts
    app.answer = lambda _: None
    trainer.types("/train")
    with pytest.raises(NotSeenError):
        trainer.sees("Trained", timeout=0.1)


def test_waiting_in_vain_says_what_was_there(web: WebClient, people: People) -> None:
    web.chat_postMessage(channel=LINE, text="something else")
    trainer, line = people["trainer"], people.channel("line-vision")
    with pytest.raises(NotSeenError, match="nothing like “mAP”, but:\n- Spotter: something else"):
        line.shows("mAP", timeout=0.1)
    with pytest.raises(NotSeenError, match=r"trainer saw nothing like “x”, but:\n\(nothing\)"):
        trainer.sees("x", timeout=0.1)
    with pytest.raises(NotSeenError, match="no modal “Train”; no modal is open"):
        trainer.sees_modal("Train", timeout=0.1)
    card = line.shows("something")
    with pytest.raises(NotSeenError, match="still reads:\nsomething else"):
        card.becomes("done", timeout=0.1)
    with pytest.raises(NotSeenError, match="no reply matches “why”"):
        card.thread_shows("why", timeout=0.1)
    with pytest.raises(NotSeenError, match="Home does not show"):
        trainer.opens_home("x", timeout=0.1)


def test_direct_messages_are_private_answers(web: WebClient, people: People) -> None:
    web.chat_postMessage(channel=OUTSIDER, text="for your eyes")
    assert people["outsider"].sees("for your eyes").author == "Spotter"
    assert people["trainer"].private() == []


def test_transcripts_do_not_depend_on_the_run(web: WebClient, people: People) -> None:
    web.chat_postMessage(channel=LINE, text="at 2026-11-22 14:05 UTC on http://127.0.0.1:41233/x")
    assert people.channel("line-vision").transcript() == "Spotter:\n  at <time> on http://<host>/x"
    assert steady("v12 of 4 trials") == "v12 of 4 trials"

"""A small Bolt app for the page to show: one card, one modal, one private answer, one Home."""

from typing import Any

from slack_bolt import App
from slack_sdk.web import WebClient

CHANNEL = "C0LINEVIS1"
EXPORTS = ("caps_20261120_093011", "caps_20261113_101500", "labels_20261101_080000")
Json = dict[str, Any]

MANIFEST: Json = {
    "features": {
        "app_home": {"home_tab_enabled": True},
        "slash_commands": [
            {"command": "/train", "description": "Train a model", "usage_hint": "[model] [labeling export]"},
            {"command": "/runs", "description": "What runs and what ended"},
            {"command": "/deploy", "description": "Put a model on a line"},
        ],
    },
    "oauth_config": {
        "scopes": {"bot": ["commands", "chat:write", "users:read", "app_mentions:read", "im:write"]}
    },
    "settings": {
        "socket_mode_enabled": True,
        "interactivity": {"is_enabled": True},
        "event_subscriptions": {"bot_events": ["app_home_opened"]},
    },
}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(name: str) -> Json:
    return {"text": plain(name), "value": name}


def card(outcome: str | None = None) -> list[Json]:
    confirm = {
        "title": plain("Stop this training?"),
        "text": plain("No model is registered."),
        "confirm": plain("Stop it"),
        "deny": plain("Keep running"),
    }
    button = {
        "type": "button",
        "text": plain("Stop run"),
        "action_id": "stop",
        "style": "danger",
        "confirm": confirm,
    }
    head = {"type": "header", "text": plain(outcome or "Caps training: trial 2 of 4")}
    body = {
        "type": "section",
        "text": mrkdwn("Best so far *mAP 0.781* &lt;b&gt;not markup&lt;/b&gt; :white_check_mark:"),
    }
    return [head, body] if outcome else [head, body, {"type": "actions", "elements": [button]}]


def charts() -> list[Json]:
    def cell(text: str) -> Json:
        return {"type": "raw_text", "text": text}

    rows = [[cell("Class"), cell("Boxes")]]
    rows += [[cell(f"class {n}"), {"type": "raw_number", "value": n, "text": str(n)}] for n in range(7)]
    points = [{"label": f"v{n}", "value": 0.7 + n / 50} for n in range(5)]
    chart = {
        "type": "line",
        "series": [{"name": "mAP", "data": points}],
        "axis_config": {"categories": [point["label"] for point in points], "x_label": "Version"},
    }
    return [
        {"type": "data_table", "caption": "Boxes per class", "page_size": 5, "rows": rows},
        {"type": "data_visualization", "title": "mAP by version", "chart": chart},
    ]


def modal(note: str | None = None) -> Json:
    name = {
        "type": "input",
        "block_id": "name",
        "label": plain("Model name"),
        "hint": plain("Letters, digits, - and _"),
        "element": {"type": "plain_text_input", "action_id": "value"},
    }
    export = {
        "type": "input",
        "block_id": "export",
        "label": plain("Labeling export"),
        "element": {"type": "external_select", "action_id": "exports", "min_query_length": 0},
    }
    more = {"type": "button", "text": plain("About exports"), "action_id": "about"}
    about = {
        "type": "section",
        "block_id": "about",
        "text": plain("An export is labeled pictures."),
        "accessory": more,
    }
    alert = [{"type": "section", "block_id": "note", "text": mrkdwn(note)}] if note else []
    return {
        "type": "modal",
        "callback_id": "train",
        "title": plain("Train a model"),
        "submit": plain("Start training"),
        "blocks": [*alert, name, export, about],
    }


def build(token: str, api_url: str) -> App:
    app = App(client=WebClient(token=token, base_url=api_url), token_verification_enabled=False)

    @app.command("/train")
    def open_modal(ack: Any, body: Json, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.command("/runs")
    def whisper(ack: Any) -> None:
        ack("Nothing runs.")

    @app.options("exports")
    def suggest(ack: Any, body: Json) -> None:
        ack(options=[option(name) for name in EXPORTS if body["value"] in name])

    @app.view("train")
    def submitted(ack: Any, body: Json, view: Json, client: WebClient) -> None:
        values = view["state"]["values"]
        name, export = (
            values["name"]["value"]["value"],
            values["export"]["exports"]["selected_option"]["value"],
        )
        if " " in name:
            ack(response_action="errors", errors={"name": "Azure ML refuses names with spaces."})
        elif name == "again":
            ack(response_action="update", view=modal("The export has changed."))
        else:
            ack()
            client.chat_postMessage(
                channel=CHANNEL, text=f"{name} trains on {export} for <@{body['user']['id']}>"
            )

    @app.action("stop")
    def stopped(ack: Any, body: Json, client: WebClient) -> None:
        ack()
        who = body["user"]["username"]
        client.chat_update(
            channel=CHANNEL, ts=body["message"]["ts"], text="stopped", blocks=card(f"Stopped by {who}")
        )

    @app.action("about")
    def pushed(ack: Any, body: Json, client: WebClient) -> None:
        ack()
        words = {"type": "section", "text": plain("They come from a labeling project.")}
        view = {"type": "modal", "title": plain("Exports"), "blocks": [words]}
        client.views_push(trigger_id=body["trigger_id"], view=view)

    @app.event("app_home_opened")
    def opened(event: Json, client: WebClient) -> None:
        client.views_publish(
            user_id=event["user"],
            view={"type": "home", "blocks": [{"type": "header", "text": plain("Nothing needs you")}]},
        )

    return app

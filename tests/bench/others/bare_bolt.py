"""A bare Bolt app that answers `!ping`, over Socket Mode."""

import os

from slack_bolt import App, Say
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

app = App(
    client=WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
    process_before_response=True,
    token_verification_enabled=False,
)


def acknowledge() -> None:
    """Bolt acknowledges events by itself."""


def ping(say: Say) -> None:
    say("pong")


app.event("message")(ack=acknowledge, lazy=[ping])

if __name__ == "__main__":
    SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start()  # type: ignore[no-untyped-call]  # untyped in slack_bolt

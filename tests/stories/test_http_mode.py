"""HTTP mode: Slack's signed requests are served, everyone else's are not."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlencode

from inline_snapshot import snapshot

from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"


def test_a_training_is_asked_for_over_signed_http(new_stage: Callable[..., Stage]) -> None:
    stage = _over_http(new_stage)
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types("/train Cap_Model")
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Labeling export": "caps_coco", "GPU cluster": "gpu-small"})
    form.submits_and_sees({"Labeling export": "COCO"})
    form.fills({"Labeling export": SMALL})
    form.submits()
    card = stage.line.shows("Cap_Model training: ").becomes("no free")
    assert "1 running" in stage.trainer.opens_home("1 running").text
    stage.trainer.clicks("Cancel training", on=card)
    card.becomes("canceled by trainer")
    assert stage.world.slack.connections == 0


def test_requests_that_slack_did_not_sign_now_are_refused(new_stage: Callable[..., Stage]) -> None:
    stage = _over_http(new_stage)
    secret = stage.bot.environment["SLACK_SIGNING_SECRET"]
    now = int(time.time())
    answers = {
        "signed now": _asks(stage, secret, now),
        "wrong secret": _asks(stage, "0" * 32, now),
        "signed ten minutes ago": _asks(stage, secret, now - 600),
        "not signed": _asks(stage, None, now),
    }
    assert answers == snapshot(
        {"signed now": 200, "wrong secret": 401, "signed ten minutes ago": 401, "not signed": 401}
    )
    assert stage.jobs() == []


def _over_http(new_stage: Callable[..., Stage]) -> Stage:
    """The app as its manifest for HTTP mode installs it; the bot has no token for Socket Mode."""
    stage = new_stage(start=False)
    del stage.bot.environment["SLACK_APP_TOKEN"]
    address = f"{stage.bot.url}/slack/events"
    printed = stage.bot.tells("manifest", "--request-url", address)
    stage.world.slack.install(json.loads(printed))
    stage.bot.start()
    stage.knows_the_workspace()
    return stage


def _asks(stage: Stage, secret: str | None, at: int) -> int:
    """Sends a slash command as Slack would, signed with this secret at this time; returns the answer's status."""
    command = {
        "command": "/runs",
        "text": "",
        "user_id": stage.trainer.id,
        "channel_id": stage.line.id,
        "trigger_id": f"1.{secret}.{at}",
    }
    body = urlencode(command)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if secret:
        signature = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        headers |= {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={signature}"}
    request = urllib.request.Request(f"{stage.bot.url}/slack/events", body.encode(), headers)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  loopback only
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code

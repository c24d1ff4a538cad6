"""Socket Mode as it is in life: Slack refreshes connections, the link breaks, falls silent, is full."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from slack_sdk.socket_mode.builtin.connection import Connection
from slack_sdk.web import WebClient

from sandbox.faults import Fault
from sandbox.people import NotSeenError
from tests.stories.stage import Stage

ALWAYS = 10_000
AS_SLACK = 3.0  # seconds: what is sent over a dead connection is given up soon, and typed again
GOODBYES = ("warning", "refresh_requested", "too_many_websockets")
OPEN = r"/api/apps\.connections\.open"


def test_no_command_is_lost_while_slack_refreshes_its_connections(stage: Stage) -> None:
    slack = stage.world.slack
    stage.until(lambda: slack.connections == 2, "both connections are open")
    for turn in range(24):
        if turn % 4 == 1:
            stage.until(lambda: slack.connections >= 2, "another one is open")
            slack.disconnect(GOODBYES[turn // 4 % len(GOODBYES)], most=1)
        stage.outsider.types(f"/models Model_{turn}")
    stage.outsider.sees("Model_23")
    stage.until(lambda: len(stage.outsider.private()) >= 24, "every command is answered")
    answers = [message.text for message in stage.outsider.private()]
    assert sorted(answers) == sorted(
        f":warning: No registered model is called “Model_{turn}”. /models lists those that are."
        for turn in range(24)
    )
    assert not stage.outsider.feed.notices


def test_a_connection_that_slack_is_about_to_close_serves_until_then(stage: Stage) -> None:
    slack = stage.world.slack
    stage.until(lambda: slack.connections == 2, "both connections are open")
    slack.disconnect("warning")
    stage.until(lambda: slack.connections == 4, "two others are open beside them")
    for turn in range(12):
        stage.outsider.types(f"/models Model_{turn}")
    slack.disconnect("refresh_requested", most=2)
    stage.until(lambda: slack.connections == 2, "the others are left")
    stage.outsider.types("/models Model_12")
    stage.outsider.sees("Model_12")
    stage.until(lambda: len(stage.outsider.private()) >= 13, "every command is answered")
    assert not stage.outsider.feed.notices


def test_the_link_is_cut_stays_away_and_comes_back(stage: Stage) -> None:
    slack, faults = stage.world.slack, stage.world.slack_faults
    faults.arm(Fault("*", OPEN, "drop_before", times=ALWAYS))
    slack.cut_connections()
    stage.until(lambda: not stage.bot.is_ready(), "the bot is not ready")
    reasons = stage.bot.get("/readyz")[1]["degraded"]
    assert [trouble["reason"] for trouble in reasons] == ["Socket Mode is not connected"]
    stage.outsider.types("/models")
    stage.outsider.sees_notice("dispatch_failed")

    faults.clear()
    stage.until(stage.bot.is_ready, "the bot is ready")
    stage.outsider.types("/models")
    stage.outsider.sees("No model is registered yet")


def test_a_silent_link_is_noticed_and_replaced(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(slack_patience=AS_SLACK)
    stage.until(lambda: stage.world.slack.connections == 2, "both connections are open")
    opened = len(stage.world.slack_faults.log("*", OPEN))
    stage.world.slack.fall_silent()
    stage.until(lambda: len(stage.world.slack_faults.log("*", OPEN)) >= opened + 2, "new ones are asked for")
    stage.until(lambda: answered(stage), "commands are answered again")


def test_where_all_connections_are_taken_spotter_asks_in_moderation(
    new_stage: Callable[..., Stage],
) -> None:
    stage = new_stage(start=False, slack_patience=AS_SLACK)
    stage.world.slack.limits.enabled = False
    with full_house(stage):
        stage.bot.start(ready=False)
        stage.until(lambda: len(stage.world.slack_faults.log("*", OPEN)) >= 21, "the bot tries")
        stage.until(
            lambda: not stage.bot.is_ready(), "it says so"
        )  # but for the moments until Slack hangs up
    stage.until(lambda: answered(stage), "commands are answered")
    times = [entry.at for entry in stage.world.slack_faults.log("*", OPEN)][10:]
    assert len(times) > 10
    assert all(later - earlier > 9 for earlier, later in zip(times, times[10:], strict=False))


def answered(stage: Stage) -> bool:
    stage.outsider.types("/models")
    try:
        stage.outsider.sees("No model is registered yet", timeout=2)
    except NotSeenError:
        return False
    return True


@contextmanager
def full_house(stage: Stage) -> Iterator[None]:
    """Ten connections of other instances of the app: as many as Slack allows."""
    token, api = stage.bot.environment["SLACK_APP_TOKEN"], stage.bot.environment["SLACK_API_URL"]
    with ExitStack() as taken:
        for _ in range(10):
            address = WebClient(base_url=api).apps_connections_open(app_token=token)["url"]
            other = Connection(url=address, logger=logging.getLogger(__name__))
            other.connect()
            taken.callback(other.disconnect)
        stage.until(lambda: stage.world.slack.connections == 10, "all connections are taken")
        yield

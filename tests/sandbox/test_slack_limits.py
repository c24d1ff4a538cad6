"""Rate limits: 429 with Retry-After, per method and per channel."""

import pytest
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from sandbox.faults import Fault
from sandbox.slack.twin import SlackTwin

from .conftest import MovableClock, StartSlack, web_client
from .test_slack_web_api import LINE, refusal


@pytest.fixture
def limited(start_slack: StartSlack) -> SlackTwin:
    return start_slack(rate_limits=True)


def test_a_channel_takes_a_short_burst_then_one_post_a_second(
    limited: SlackTwin, slack_clock: MovableClock
) -> None:
    slack_clock.hold()
    web = web_client(limited)
    for number in range(4):
        web.chat_postMessage(channel=LINE, text=str(number))
    assert refusal(web.chat_postMessage, channel=LINE, text="5")["error"] == "ratelimited"
    assert web.chat_postMessage(channel="C0LINE3001", text="elsewhere")["ok"]
    slack_clock.forward(1.1)
    assert web.chat_postMessage(channel=LINE, text="5")["ok"]


def test_the_answer_says_how_long_to_wait(limited: SlackTwin, slack_clock: MovableClock) -> None:
    slack_clock.hold()
    web = web_client(limited)
    for _ in range(20):
        web.users_list()
    with pytest.raises(Exception, match="ratelimited") as limit:
        web.users_list()
    response = limit.value.response  # type: ignore[attr-defined]  # a SlackApiError
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")


def test_the_sdks_own_handler_gets_through(limited: SlackTwin) -> None:
    web = web_client(limited)
    web.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
    texts = [web.chat_postMessage(channel=LINE, text=str(number))["message"]["text"] for number in range(5)]
    assert texts == ["0", "1", "2", "3", "4"]


def test_methods_have_limits_of_their_own(limited: SlackTwin, slack_clock: MovableClock) -> None:
    slack_clock.hold()
    web = web_client(limited)
    ts = web.chat_postMessage(channel=LINE, text="x")["ts"]
    for number in range(50):
        web.chat_update(channel=LINE, ts=ts, text=str(number))
    assert refusal(web.chat_update, channel=LINE, ts=ts, text="x")["error"] == "ratelimited"
    assert web.chat_delete(channel=LINE, ts=ts)["ok"]


def test_a_post_whose_answer_is_lost_was_still_made(slack: SlackTwin) -> None:
    """The reason why nothing may repeat a post without looking: the SDK's default retry posts twice."""
    slack.faults.arm(Fault("POST", "chat.postMessage", "drop_after"))
    web = web_client(slack)
    web.chat_postMessage(channel=LINE, text="once?")
    shown = web.conversations_history(channel=LINE)["messages"]
    assert [message["text"] for message in shown] == ["once?", "once?"]

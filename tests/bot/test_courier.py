"""The courier: what becomes of each message, whatever Slack answers."""

import json
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from commands.kit.blocks import Message, header, picture, table
from commands.kit.health import SLACK
from infra.http.waits import LONGEST_REST
from sandbox.faults import Fault
from storage import messages, pictures
from tests.bot.conftest import LINE, Desk

OTHER = "C0LINE3001"
CALLS = {
    "post": ("POST", r"/api/chat\.postMessage"),
    "update": ("POST", r"/api/chat\.update"),
    "look": ("*", r"/api/conversations\.history"),
}
ANSWERS = {
    "throttled": (429, {"Retry-After": "7"}, '{"ok": false, "error": "ratelimited"}'),
    "throttled oddly": (429, {"Retry-After": "soon"}, ""),
    "throttled for good": (429, {"Retry-After": "inf"}, ""),
    "broken": (502, {}, "<html>Bad Gateway</html>"),
    "in between": (200, {}, "<html>Sign in to the network</html>"),
    "half done": (200, {}, '{"ok": false, "error": "fatal_error"}'),
    "never heard of": (200, {}, '{"ok": false, "error": "no_such_refusal_yet"}'),
    "no token": (200, {}, '{"ok": false, "error": "token_expired"}'),
}
PASSING = sorted(ANSWERS.keys() - {"never heard of"})


def trouble(call: str, kind: str) -> Fault:
    method, path = CALLS[call]
    if kind in ("drop_before", "drop_after"):
        return Fault(method, path, kind)  # type: ignore[arg-type]  # narrowed by the line above
    status, headers, body = ANSWERS[kind]
    return Fault(method, path, "answer", status=status, headers=dict(headers), body=body)


class Deliveries(RuleBasedStateMachine):
    """Wishes, troubles and crashes in any order: at the end, each message is there once, as last wanted."""

    examples = 0

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        Deliveries.examples += 1
        self.desk = desk
        self.prefix = f"example {Deliveries.examples}:"
        self.wanted: dict[str, str] = {}

    @rule(key=st.sampled_from("ab"), number=st.integers(0, 99))
    def want(self, key: str, number: int) -> None:
        name = f"{self.prefix}{key}"
        self.wanted[name] = f"{name}={number}"
        self.desk.want(name, self.wanted[name])

    @rule(
        call=st.sampled_from(["post", "post", "look", "update"]),
        kind=st.sampled_from([*PASSING, "drop_before", *["drop_after"] * 4]),
    )
    def something_goes_wrong(self, call: str, kind: str) -> None:
        self.desk.slack.faults.arm(trouble(call, kind))

    @rule()
    def deliver(self) -> None:
        self.desk.round()

    @rule()
    def crash(self) -> None:
        self.desk.crash()

    def teardown(self) -> None:
        self.desk.slack.faults.clear()
        self.desk.round(rounds=8)
        said = [text for text in self.desk.said() if text.startswith(self.prefix)]
        assert sorted(said) == sorted(self.wanted.values())
        assert not self.desk.health.troubles()


def test_each_message_ends_up_there_once_as_last_wanted(desk: Desk) -> None:
    run_state_machine_as_test(
        lambda: Deliveries(desk),  # type: ignore[arg-type]  # any factory will do
        settings=settings(max_examples=60, stateful_step_count=20, deadline=None),
    )


def test_slack_is_left_in_peace_as_long_as_it_asks_and_no_longer(desk: Desk) -> None:
    desk.want("card", "Cap_Model")
    for _ in range(3):
        desk.slack.faults.arm(trouble("post", "throttled"))
        desk.courier.deliver()
        desk.clock.forward(6.5)
        desk.courier.deliver()
        desk.clock.forward(0.6)
    desk.courier.deliver()
    assert len(desk.slack.faults.log(*CALLS["post"])) == 4
    assert desk.said() == ["Cap_Model"]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        *((rubbish, 1) for rubbish in ("inf", "nan", "-1", "soon")),
        *((far, LONGEST_REST) for far in ("999999", "Fri, 31 Dec 9999 23:59:59 GMT")),
    ],
)
def test_whatever_slack_asks_for_ends_and_holds_up_no_other_channel(
    desk: Desk, asked: str, seconds: float
) -> None:
    desk.slack.faults.arm(Fault(*CALLS["post"], "answer", status=429, headers={"Retry-After": asked}))
    desk.want("card", "Cap_Model")
    desk.want("other", "Lid_Model", channel=OTHER)
    desk.courier.deliver()
    assert (desk.said(), desk.said(OTHER)) == ([], ["Lid_Model"])
    rests_until = desk.state("card").next_try_at
    assert rests_until is not None
    assert rests_until <= desk.clock.now() + timedelta(seconds=seconds)
    desk.clock.forward(seconds)
    desk.courier.deliver()
    assert desk.said() == ["Cap_Model"]


def test_a_message_that_cannot_be_written_holds_up_no_other(desk: Desk) -> None:
    desk.want("broken", "", content={"blocks": []})
    desk.want("card", "Cap_Model")
    desk.round()
    assert desk.said() == ["Cap_Model"]
    assert desk.state("broken").tries == 1


def test_replies_go_where_their_card_went(desk: Desk) -> None:
    desk.want("card", "Cap_Model", channel="C0GENERAL1", fallback="U0TRAINER1")
    desk.want("log", "Last lines", channel="C0GENERAL1", fallback="U0TRAINER1", parent_key="card")
    desk.round(rounds=4)
    card = desk.people["trainer"].private()[0]
    assert (card.text, [reply.text for reply in card.thread()]) == ("Cap_Model", ["Last lines"])
    assert desk.said("C0GENERAL1") == []


def test_a_reply_is_given_up_with_its_card(desk: Desk) -> None:
    desk.slack.faults.arm(trouble("post", "never heard of"))
    desk.want("card", "Cap_Model")
    desk.want("log", "Last lines", parent_key="card")
    desk.round(rounds=3)
    assert (desk.state("card").state, desk.state("log").state) == ("refused", "gone")


def test_a_channel_without_spotter_is_named_and_written_to_once_invited(desk: Desk) -> None:
    desk.want("news", "Lid_Model v2", channel="C0GENERAL1")
    desk.round(rounds=2)
    [told] = desk.health.troubles()
    assert (told.service, told.reason) == (
        SLACK,
        "Spotter cannot write to channel C0GENERAL1: invite it with /invite",
    )
    desk.people["trainer"].types("/invite @spotter", in_="general")
    desk.round()
    assert desk.said("C0GENERAL1")[-1] == "Lid_Model v2"
    assert not desk.health.troubles()


def test_the_last_wish_is_sent_before_the_courier_stops(desk: Desk) -> None:
    desk.courier.start()
    post = desk.slack.faults.arm(Fault(*CALLS["post"], "hang_after"))
    desk.want("first", "First")
    desk.courier.wake()
    assert post.reached.wait(60)
    desk.want("second", "Second", channel="C0LINE3001")
    post.release()
    desk.courier.stop()
    assert (desk.said(LINE), desk.said("C0LINE3001")) == (["First"], ["Second"])


def wants_a_picture(desk: Desk) -> None:
    with desk.store.write() as tx:
        digest = pictures.put(
            tx, b"as two models see it", "side-by-side.jpg", "v7 finds all", desk.clock.now()
        )
    shown = Message(
        "Both", [header("Both"), picture(digest, "v7 finds all", "1.jpg"), table([["mAP"], ["1"]])]
    )
    desk.want("card", "Both", content=shown.content())


def pictures_shown(desk: Desk) -> list[str]:
    return [
        block["slack_file"]["id"]
        for message in desk.people.channel("line-vision").messages()
        for block in message.json["blocks"]
        if block["type"] == "image"
    ]


def test_a_picture_is_uploaded_once_and_shown_in_one_message(desk: Desk) -> None:
    wants_a_picture(desk)
    for path in ("getUploadURLExternal", "upload/", "completeUploadExternal"):
        desk.slack.faults.arm(Fault("POST", path, "drop_after"))
    desk.round(rounds=8)
    [file] = pictures_shown(desk)
    assert file.startswith("F")
    assert len(desk.said()) == 1
    sent = len(desk.slack.faults.log("POST", "completeUploadExternal"))
    wants_a_picture(desk)
    desk.round(rounds=2)
    assert pictures_shown(desk) == [file]
    assert len(desk.slack.faults.log("POST", "completeUploadExternal")) == sent


def test_a_workspace_that_takes_no_files_reads_what_the_picture_shows(desk: Desk) -> None:
    desk.slack.faults.arm(
        Fault(
            "POST", "getUploadURLExternal", "answer", body='{"ok": false, "error": "missing_scope"}', times=9
        )
    )
    wants_a_picture(desk)
    desk.round(rounds=3)
    assert pictures_shown(desk) == []
    (message,) = desk.people.channel("line-vision").messages()
    assert "v7 finds all" in message.text
    assert [block["type"] for block in message.blocks] == ["header", "context", "table"], "the rest stays"
    assert not desk.health.troubles()


def test_a_picture_that_slack_still_processes_is_waited_for(desk: Desk) -> None:
    wants_a_picture(desk)
    said = "[ERROR] invalid slack file [json-pointer:/blocks/1/slack_file]"
    body = json.dumps({"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [said]}})
    desk.slack.faults.arm(Fault("POST", r"/api/chat\.postMessage", "answer", body=body, times=2))
    desk.round(rounds=6)
    assert len(pictures_shown(desk)) == 1
    assert len(desk.said()) == 1


def test_a_channel_with_much_to_say_keeps_no_other_waiting(desk: Desk) -> None:
    for number in range(messages.PAGE + 1):
        desk.want(f"much {number}", f"{number}")
    desk.want("other", "waits", channel=OTHER)
    desk.courier.deliver()
    desk.courier.deliver()
    assert desk.said(OTHER) == ["waits"]


def test_progress_is_heard_of_in_a_channel_that_has_more_to_say_than_slack_lets_it(desk: Desk) -> None:
    for second in range(40):
        desk.want(f"result {second}", f"Result {second}")
        desk.want("card", f"Trial {second}", urgency=messages.PROGRESS)
        desk.courier.deliver()
        desk.clock.forward(1.2)
        desk.want(f"another {second}", f"Another {second}")
    assert [said for said in desk.said() if "Trial" in said]


def test_what_slack_does_late_after_all_does_not_stand_twice(desk: Desk) -> None:
    held = desk.slack.faults.arm(Fault(*CALLS["post"], "hang_before"))
    desk.want("card", "Cap_Model")
    desk.round()
    assert desk.said() == []
    desk.courier.deliver()
    assert desk.said() == ["Cap_Model"]
    held.release()
    viewer = desk.people["trainer"]
    viewer.wait(lambda: len(desk.said()) == 2 or None, 60, lambda: f"Slack does it late, but: {desk.said()}")
    desk.clock.forward(61)
    desk.courier.deliver()
    assert desk.said() == ["Cap_Model"]
    assert desk.state("card").ts == viewer.messages(LINE)[-1].ts


def test_a_reply_of_unknown_outcome_is_given_up_with_its_thread(desk: Desk) -> None:
    desk.want("card", "Cap_Model")
    desk.round()
    desk.slack.faults.arm(trouble("post", "drop_before"))
    desk.want("log", "Last lines", parent_key="card")
    desk.courier.deliver()
    desk.client.chat_delete(channel=LINE, ts=desk.state("card").ts or "")
    desk.clock.forward(61)
    desk.round()
    assert desk.state("log").state == "gone"

"""The Web API through the real WebClient: what it answers and what it refuses."""

import time
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.people import People
from sandbox.slack.twin import SlackTwin

from .conftest import MovableClock, StartSlack, web_client

LINE, GENERAL, QUALITY = "C0LINEVIS1", "C0GENERAL1", "C0QUALITY1"
TRAINER, OUTSIDER = "U0TRAINER1", "U0OUTSIDE1"


def refusal(call: Any, /, *args: Any, **given: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as refused:
        call(*args, **given)
    body: dict[str, Any] = refused.value.response.data
    return body


def test_auth_test_takes_both_tokens_and_an_empty_json_body(slack: SlackTwin, web: WebClient) -> None:
    assert web.auth_test()["user_id"] == "U0SPOTTER1"
    headers = {
        "Authorization": f"Bearer {slack.env()['SLACK_APP_TOKEN']}",
        "Content-Type": "application/json",
    }
    answer = requests.post(f"{slack.url}/api/auth.test", data=b"", headers=headers, timeout=60).json()
    assert (answer["ok"], answer["app_id"]) == (True, "A0SPOTTER1")


def test_tokens_are_checked_first(slack: SlackTwin) -> None:
    base = slack.env()["SLACK_API_URL"]
    assert requests.post(f"{base}auth.test", timeout=60).json()["error"] == "not_authed"
    assert refusal(WebClient("xoxb-wrong", base_url=base).auth_test)["error"] == "invalid_auth"
    app_level = WebClient(slack.env()["SLACK_APP_TOKEN"], base_url=base)
    assert refusal(app_level.chat_postMessage, channel=LINE, text="hi")["error"] == "not_allowed_token_type"


def test_bodies_that_are_no_json_and_methods_that_do_not_exist(slack: SlackTwin) -> None:
    headers = {
        "Authorization": f"Bearer {slack.env()['SLACK_BOT_TOKEN']}",
        "Content-Type": "application/json",
    }

    def post(method: str, body: str) -> str:
        answer = requests.post(f"{slack.url}/api/{method}", body, headers=headers, timeout=60)
        return str(answer.json()["error"])

    assert post("chat.postMessage", "{") == "invalid_json"
    assert post("chat.postMessage", "[]") == "json_not_object"
    assert post("chat.shout", "{}") == "unknown_method"


@pytest.mark.parametrize(
    ("method", "given", "needed"),
    [
        ("chat.postMessage", {"channel": LINE, "text": "x"}, "chat:write"),
        ("users.info", {"user": TRAINER}, "users:read"),
        ("users.lookupByEmail", {"email": "trainer@example.com"}, "users:read.email"),
        ("usergroups.users.list", {"usergroup": "S0TRAINERS"}, "usergroups:read"),
        ("conversations.history", {"channel": LINE}, "channels:history"),
        ("conversations.info", {"channel": LINE}, "channels:read"),
        ("conversations.open", {"users": TRAINER}, "im:write"),
        ("conversations.join", {"channel": GENERAL}, "channels:join"),
        ("files.getUploadURLExternal", {"filename": "a.png", "length": 3}, "files:write"),
        ("reactions.add", {"channel": LINE, "timestamp": "1.1", "name": "eyes"}, "reactions:write"),
        ("team.info", {}, "team:read"),
    ],
)
def test_each_method_names_the_scope_it_misses(
    start_slack: StartSlack, method: str, given: dict[str, Any], needed: str
) -> None:
    web = web_client(start_slack(scopes=["commands"]))
    body = refusal(web.api_call, method, params=given)
    assert (body["error"], body["needed"], body["provided"]) == ("missing_scope", needed, "commands")


def test_private_history_needs_the_private_scope(start_slack: StartSlack) -> None:
    web = web_client(start_slack(scopes=["channels:history"]))
    body = refusal(web.conversations_history, channel=QUALITY)
    assert (body["error"], body["needed"]) == ("missing_scope", "groups:history")


@pytest.mark.parametrize(
    ("channel", "error"),
    [("C0NOWHERE1", "channel_not_found"), (GENERAL, "not_in_channel"), ("#nowhere", "channel_not_found")],
)
def test_posting_where_the_app_may_not(web: WebClient, channel: str, error: str) -> None:
    assert refusal(web.chat_postMessage, channel=channel, text="hello")["error"] == error


def test_posting_nothing(web: WebClient) -> None:
    assert refusal(web.api_call, "chat.postMessage", json={"channel": LINE})["error"] == "no_text"
    missing = refusal(web.api_call, "chat.postMessage", json={"text": "x"})
    assert missing["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]


def test_long_text_is_cut_and_says_so(web: WebClient) -> None:
    posted = web.chat_postMessage(channel=LINE, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    assert posted["response_metadata"]["warnings"] == ["message_truncated"]
    too_long = refusal(web.chat_update, channel=LINE, ts=posted["ts"], text="x" * 40_001)
    assert too_long["error"] == "msg_too_long"


def test_blocks_that_are_too_much_together(web: WebClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2800}} for _ in range(5)]
    assert refusal(web.chat_postMessage, channel=LINE, text="x", blocks=blocks)["error"] == (
        "msg_blocks_too_long"
    )


def test_posting_by_channel_name_and_to_a_person(web: WebClient) -> None:
    assert web.chat_postMessage(channel="#line-vision", text="hello")["channel"] == LINE
    direct = web.chat_postMessage(channel=TRAINER, text="hello")["channel"]
    assert web.conversations_open(users=TRAINER)["channel"]["id"] == direct


def test_timestamps_are_never_the_same(web: WebClient) -> None:
    stamps = [web.chat_postMessage(channel=LINE, text=str(number))["ts"] for number in range(20)]
    assert sorted(set(stamps)) == stamps


def test_an_update_of_text_takes_blocks_away_and_marks_it_edited(web: WebClient) -> None:
    blocks = [{"type": "divider"}]
    posted = web.chat_postMessage(channel=LINE, text="one", blocks=blocks)
    kept = web.chat_update(channel=LINE, ts=posted["ts"], text="two", blocks=blocks)["message"]
    assert ("edited" in kept, kept["blocks"][0]["type"]) == (False, "divider")
    bare = web.chat_update(channel=LINE, ts=posted["ts"], text="three")["message"]
    assert (bare["text"], "blocks" in bare, bare["edited"]["user"]) == ("three", False, "U0SPOTTER1")


def test_only_own_messages_change(web: WebClient, people: People) -> None:
    people["trainer"].types("mine")
    mine = people.channel("line-vision").shows("mine")
    assert refusal(web.chat_update, channel=LINE, ts=mine.ts, text="x")["error"] == "cant_update_message"
    assert refusal(web.chat_delete, channel=LINE, ts=mine.ts)["error"] == "cant_delete_message"
    assert refusal(web.chat_update, channel=LINE, ts="1.2", text="x")["error"] == "message_not_found"
    named = refusal(web.chat_update, channel="#line-vision", ts=mine.ts, text="x")
    assert named["error"] == "channel_not_found"


def test_a_deleted_message_is_gone(web: WebClient) -> None:
    posted = web.chat_postMessage(channel=LINE, text="oops")
    web.chat_delete(channel=LINE, ts=posted["ts"])
    assert web.conversations_history(channel=LINE)["messages"] == []
    assert refusal(web.chat_delete, channel=LINE, ts=posted["ts"])["error"] == "message_not_found"


def test_metadata_comes_back_only_when_asked_for(web: WebClient) -> None:
    metadata = {"event_type": "spotter", "event_payload": {"key": "run-1"}}
    web.chat_postMessage(channel=LINE, text="x", metadata=metadata)
    assert "metadata" not in web.conversations_history(channel=LINE)["messages"][0]
    found = web.conversations_history(channel=LINE, include_all_metadata=True)["messages"][0]
    assert found["metadata"] == metadata
    wrong = refusal(web.chat_postMessage, channel=LINE, text="x", metadata={"event_type": "spotter"})
    assert wrong["error"] == "invalid_metadata_format"


def test_history_pages_newest_first_within_bounds(web: WebClient) -> None:
    stamps = [web.chat_postMessage(channel=LINE, text=str(number))["ts"] for number in range(5)]
    first = web.conversations_history(channel=LINE, limit=2)
    assert [message["text"] for message in first["messages"]] == ["4", "3"]
    cursor = first["response_metadata"]["next_cursor"]
    second = web.conversations_history(channel=LINE, limit=3, cursor=cursor)
    assert ([m["text"] for m in second["messages"]], second["has_more"]) == (["2", "1", "0"], False)
    between = web.conversations_history(channel=LINE, oldest=stamps[1], latest=stamps[3])
    assert [message["text"] for message in between["messages"]] == ["2"]
    within = web.conversations_history(channel=LINE, oldest=stamps[1], latest=stamps[3], inclusive=True)
    assert [message["text"] for message in within["messages"]] == ["3", "2", "1"]
    assert refusal(web.conversations_history, channel=LINE, cursor="?")["error"] == "invalid_cursor"


def test_a_page_keeps_its_place_while_new_messages_arrive(web: WebClient) -> None:
    for number in range(4):
        web.chat_postMessage(channel=LINE, text=str(number))
    first = web.conversations_history(channel=LINE, limit=2)
    web.chat_postMessage(channel=LINE, text="new")
    cursor = first["response_metadata"]["next_cursor"]
    assert [m["text"] for m in web.conversations_history(channel=LINE, cursor=cursor)["messages"]] == [
        "1",
        "0",
    ]


def test_replies_stay_in_their_thread(web: WebClient) -> None:
    parent = web.chat_postMessage(channel=LINE, text="parent")["ts"]
    reply = web.chat_postMessage(channel=LINE, text="reply", thread_ts=parent)["ts"]
    web.chat_postMessage(channel=LINE, text="loud", thread_ts=reply, reply_broadcast=True)
    shown = web.conversations_history(channel=LINE)["messages"]
    assert [message["text"] for message in shown] == ["loud", "parent"]
    assert (shown[0]["subtype"], shown[1]["reply_count"]) == ("thread_broadcast", 2)
    thread = web.conversations_replies(channel=LINE, ts=parent)["messages"]
    assert [message["text"] for message in thread] == ["parent", "reply", "loud"]
    assert {message["thread_ts"] for message in thread} == {parent}
    assert refusal(web.conversations_replies, channel=LINE, ts="1.2")["error"] == "thread_not_found"


def test_an_ephemeral_message_is_for_one_person(web: WebClient, people: People) -> None:
    web.chat_postEphemeral(channel=LINE, user=TRAINER, text="for you")
    people["trainer"].sees("for you")
    assert [m.text for m in people["outsider"].messages(LINE)] == []
    assert web.conversations_history(channel=LINE)["messages"] == []
    stranger = refusal(web.chat_postEphemeral, channel=QUALITY, user=OUTSIDER, text="x")
    assert stranger["error"] == "user_not_in_channel"


def test_a_scheduled_message_is_listed_posted_and_can_be_taken_back(
    slack: SlackTwin, web: WebClient, people: People
) -> None:
    soon, later = int(time.time()) + 2, int(time.time()) + 3600
    web.chat_scheduleMessage(channel=LINE, post_at=soon, text="soon")
    far = web.chat_scheduleMessage(channel=LINE, post_at=later, text="later")["scheduled_message_id"]
    listed = web.chat_scheduledMessages_list(channel=LINE)["scheduled_messages"]
    assert [message["text"] for message in listed] == ["soon", "later"]
    web.chat_deleteScheduledMessage(channel=LINE, scheduled_message_id=far)
    people.channel("line-vision").shows("soon")
    assert web.chat_scheduledMessages_list()["scheduled_messages"] == []
    past = refusal(web.chat_scheduleMessage, channel=LINE, post_at=1_000_000_000, text="x")
    assert past["error"] == "time_in_past"


def test_permalinks(slack: SlackTwin, web: WebClient) -> None:
    ts = web.chat_postMessage(channel=LINE, text="x")["ts"]
    link = web.chat_getPermalink(channel=LINE, message_ts=ts)["permalink"]
    assert link == f"{slack.url}/archives/{LINE}/p{ts.replace('.', '')}"
    assert refusal(web.chat_getPermalink, channel=LINE, message_ts="1.2")["error"] == "message_not_found"


def test_reactions(web: WebClient) -> None:
    ts = web.chat_postMessage(channel=LINE, text="x")["ts"]
    web.reactions_add(channel=LINE, timestamp=ts, name="eyes")
    assert refusal(web.reactions_add, channel=LINE, timestamp=ts, name="eyes")["error"] == "already_reacted"
    reactions = web.conversations_history(channel=LINE)["messages"][0]["reactions"]
    assert reactions == [{"name": "eyes", "users": ["U0SPOTTER1"], "count": 1}]
    web.reactions_remove(channel=LINE, timestamp=ts, name="eyes")
    assert refusal(web.reactions_remove, channel=LINE, timestamp=ts, name="eyes")["error"] == "no_reaction"


def test_channels_are_listed_by_kind_and_page(web: WebClient) -> None:
    public = web.conversations_list(limit=2)
    assert [channel["name"] for channel in public["channels"]] == ["line-vision", "line-3"]
    rest = web.conversations_list(limit=2, cursor=public["response_metadata"]["next_cursor"])
    assert [(c["name"], c["is_member"]) for c in rest["channels"]] == [("general", False)]
    private = web.conversations_list(types="private_channel")["channels"]
    assert [channel["name"] for channel in private] == ["quality"]
    assert refusal(web.conversations_list, types="secret")["error"] == "invalid_types"
    assert OUTSIDER not in web.conversations_members(channel=QUALITY)["members"]


def test_the_app_can_join_a_public_channel(web: WebClient, people: People) -> None:
    assert web.conversations_info(channel=GENERAL)["channel"]["is_member"] is False
    web.conversations_join(channel=GENERAL)
    web.chat_postMessage(channel=GENERAL, text="here I am")
    people.channel("general").shows("@Spotter has joined the channel")
    assert web.conversations_join(channel=GENERAL)["warning"] == "already_in_channel"


def test_people_invite_the_app(web: WebClient, people: People) -> None:
    people["trainer"].types("/invite @spotter", in_="general")
    assert web.chat_postMessage(channel=GENERAL, text="thank you")["ok"]


def test_people_and_groups(web: WebClient, start_slack: StartSlack) -> None:
    trainer = web.users_info(user=TRAINER)["user"]
    assert (trainer["real_name"], trainer["tz"]) == ("Trainer", "Europe/Amsterdam")
    assert web.users_lookupByEmail(email="trainer@example.com")["user"]["id"] == TRAINER
    assert refusal(web.users_lookupByEmail, email="no@example.com")["error"] == "users_not_found"
    assert refusal(web.users_info, user="U0NOBODY01")["error"] == "user_not_found"
    assert len(web.users_list()["members"]) == 5
    groups = {g["handle"]: g["users"] for g in web.usergroups_list(include_users=True)["usergroups"]}
    assert groups["trainers"] == [TRAINER, "U0APPROVE1"]
    assert web.usergroups_users_list(usergroup="S0APPROVERS")["users"] == ["U0APPROVE1", "U0APPROVE2"]
    assert refusal(web.usergroups_users_list, usergroup="S0NONE")["error"] == "no_such_subteam"
    blind = web_client(start_slack(scopes=["users:read"]))
    assert "email" not in blind.users_info(user=TRAINER)["user"]["profile"]
    assert web.bots_info(bot="B0SPOTTER1")["bot"]["user_id"] == "U0SPOTTER1"
    assert web.team_info()["team"]["id"] == "T0FACTORY1"


def test_a_file_is_uploaded_shared_and_downloaded(slack: SlackTwin, web: WebClient, people: People) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 64
    web.files_upload_v2(
        channel=LINE, content=picture, filename="trend.png", title="mAP", initial_comment="Look"
    )
    shown = people.channel("line-vision").shows(r"Look\n\(image: mAP\)")
    file = shown.json["files"][0]
    assert requests.get(file["url_private"], timeout=60).content == picture
    info = web.files_info(file=file["id"])["file"]
    assert info["shares"]["public"][LINE][0]["ts"] == shown.ts
    assert requests.get(info["url_private"], timeout=60).status_code == 403
    headers = {"Authorization": f"Bearer {slack.env()['SLACK_BOT_TOKEN']}"}
    assert requests.get(info["url_private"], headers=headers, timeout=60).content == picture


def test_an_upload_must_have_the_announced_length(web: WebClient) -> None:
    reserved = web.files_getUploadURLExternal(filename="a.png", length=5)
    assert requests.post(reserved["upload_url"], b"four", timeout=60).status_code == 400
    unfilled = refusal(web.files_completeUploadExternal, files=[{"id": reserved["file_id"]}], channel_id=LINE)
    assert unfilled["error"] == "file_not_found"


def test_an_archived_channel_takes_no_posts(slack: SlackTwin, web: WebClient) -> None:
    slack.archive("line-3")
    assert refusal(web.chat_postMessage, channel="C0LINE3001", text="x")["error"] == "is_archived"


def test_the_clock_can_be_moved(slack_clock: MovableClock, web: WebClient) -> None:
    slack_clock.forward(3600)
    assert float(web.chat_postMessage(channel=LINE, text="x")["ts"]) > time.time() + 3000


def test_a_picture_in_a_block_must_be_an_upload(web: WebClient, people: People) -> None:
    picture = {"type": "image", "alt_text": "trend", "slack_file": {"id": "F0"}}
    body = refusal(web.chat_postMessage, channel=LINE, text="x", blocks=[picture])
    assert body["errors"] == ["invalid slack file [json-pointer:/blocks/0/slack_file]"]
    uploaded = web.files_upload_v2(content=b"png", filename="trend.png")["files"][0]["id"]
    picture["slack_file"] = {"id": uploaded}
    web.chat_postMessage(channel=LINE, text="x", blocks=[picture])
    shown = people.channel("line-vision").shows("trend").blocks[0]
    assert requests.get(shown["image_url"], timeout=60).content == b"png"


def test_the_answer_to_an_update_has_no_timestamp_inside(web: WebClient) -> None:
    ts = web.chat_postMessage(channel=LINE, text="one")["ts"]
    web.chat_postMessage(channel=LINE, text="reply", thread_ts=ts)
    updated = web.chat_update(channel=LINE, ts=ts, text="two")
    assert updated["ts"] == ts
    assert not {"ts", "thread_ts", "reply_count"} & set(updated["message"])


def test_deleting_a_reply_lowers_the_count(web: WebClient) -> None:
    parent = web.chat_postMessage(channel=LINE, text="parent")["ts"]
    reply = web.chat_postMessage(channel=LINE, text="reply", thread_ts=parent)["ts"]
    web.chat_delete(channel=LINE, ts=reply)
    assert "reply_count" not in web.conversations_history(channel=LINE)["messages"][0]

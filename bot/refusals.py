"""What a refusal of Slack's means for a message."""

import re
from datetime import timedelta
from http.client import HTTPException
from typing import Literal

from slack_sdk.errors import SlackApiError, SlackClientError

from infra.http.waits import seconds_asked

Meaning = Literal["slow_down", "blocks", "no_entry", "gone", "no_token", "unclear", "refused"]

NO_ANSWER = (SlackClientError, OSError, HTTPException)
"""What slack_sdk raises where an answer is missing, cut off or a refusal."""

_SHORTEST_REST = 1.0
_CODE = re.compile(r"[a-z0-9_]+")
_MEANINGS: dict[Meaning, set[str]] = {
    "slow_down": {"ratelimited", "rate_limited"},
    "blocks": {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"},
    "no_entry": {"not_in_channel", "channel_not_found", "is_archived", "user_not_in_channel"},
    "gone": {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"},
    "no_token": {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "ekm_access_denied",
        "org_login_required",
        "team_added_to_org",
    },
    "unclear": {"fatal_error", "internal_error", "service_unavailable", "request_timeout"},
}


def meaning_of(refused: SlackApiError) -> Meaning:
    """`unclear`: it may have happened. Anything that Slack does not word as a code is no answer of Slack's."""
    code, status = code_of(refused), refused.response.status_code
    if status == 429:
        return "slow_down"
    for meaning, codes in _MEANINGS.items():
        if code in codes:
            return meaning
    if code.startswith("restricted_action"):
        return "no_entry"
    return "unclear" if status >= 500 or not _CODE.fullmatch(code) else "refused"


def code_of(refused: SlackApiError) -> str:
    return str(refused.response.get("error") or refused.response.status_code)


def reasons_of(refused: SlackApiError) -> str:
    """Slack's own words about blocks that it does not take."""
    metadata = refused.response.get("response_metadata") or {}
    return "; ".join(metadata.get("messages") or [])


def rest_asked(refused: SlackApiError) -> timedelta:
    """How long to leave Slack alone: never longer than LONGEST_REST."""
    return timedelta(seconds=seconds_asked(refused.response.headers) or _SHORTEST_REST)

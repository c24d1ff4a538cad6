"""Who asks, and where, from what Slack delivers."""

import json
from typing import Any

from slack_bolt import BoltContext

from commands.kit.command import Asked
from commands.kit.people import Person
from infra.http.answers import NOT_JSON
from infra.http.fields import storable, text, texts

Payload = dict[str, Any]


def person_of(body: Payload, context: BoltContext) -> Person:
    """Of a command, an interaction or an event."""
    if "event" in body:
        event = body["event"]
        user, name, theirs = event["user"], event["user"], {event.get("user_team") or event.get("team")}
    elif "command" in body:
        user, name = body["user_id"], body.get("user_name")
        theirs = {body.get("team_id"), body.get("enterprise_id")}
    else:
        user, name = body["user"]["id"], body["user"].get("name")
        theirs = {body["user"].get("team_id")}
    return Person(user, storable(name or user), _is_stranger(theirs - {None}, body, context))


def _is_stranger(theirs: set[str], body: Payload, context: BoltContext) -> bool:
    """Whether somebody of another workspace, or of another organisation, acts in a channel that is shared with it."""
    us = context.authorize_result
    ours = {us.team_id, us.enterprise_id} if us else set()
    return not theirs & ours if theirs else bool(body.get("is_ext_shared_channel"))


def origin(body: Payload, context: BoltContext) -> tuple[Asked, dict[str, str]]:
    """Where a form was opened, and what it is about."""
    view, person = body["view"], person_of(body, context)
    try:
        told = json.loads(view.get("private_metadata") or "{}")
    except NOT_JSON:
        told = {}
    asked = Asked(
        person=person,
        channel=text(told, "channel") or person.id,
        key=f"form:{view['id']}",
        thread_ts=text(told, "thread_ts") or None,
    )
    return asked, texts(told, "carried")

"""views.*: modals and Home."""

import json

from ..blocks import check_view
from ..limits import Tier
from ..refusal import Json, Refused, invalid_arguments
from ..state import Slack
from .call import Call, Method

LARGEST = 250_000


def _content(call: Call) -> Json:
    content = call.structure("view")
    if not isinstance(content, dict):
        raise invalid_arguments("missing required field: view")
    if len(json.dumps(content)) > LARGEST:
        raise Refused("view_too_large")
    check_view(content)
    return content


def _trigger_id(call: Call) -> str:
    return call.text("trigger_id") or call.need("interactivity_pointer")


def _open(slack: Slack, call: Call) -> Json:
    content = _content(call)
    trigger = slack.triggers.check(_trigger_id(call))
    _must_be(content, "modal")
    trigger.used = True
    return {"view": slack.views.open(trigger.user, content).json()}


def _push(slack: Slack, call: Call) -> Json:
    content = _content(call)
    trigger = slack.triggers.check(_trigger_id(call))
    _must_be(content, "modal")
    if trigger.view_id not in {view.id for view in slack.views.stack(trigger.user)}:
        raise invalid_arguments(
            "must match the `type` of the root view whose stack we're pushing onto [json-pointer:/view/type]"
        )
    trigger.used = True
    return {"view": slack.views.push(trigger.user, content).json()}


def _update(slack: Slack, call: Call) -> Json:
    content = _content(call)
    if not call.text("view_id") and not call.text("external_id"):
        raise invalid_arguments("missing required field: view_id")
    view = slack.views.find(call.text("view_id"), call.text("external_id"))
    _must_be(content, view.content["type"])
    return {"view": slack.views.update(view, content, call.text("hash")).json()}


def _publish(slack: Slack, call: Call) -> Json:
    content = _content(call)
    _must_be(content, "home")
    if not slack.app.home_tab:
        raise Refused("not_enabled")
    person = slack.workspace.person(call.need("user_id"))
    return {"view": slack.views.publish(person.id, content, call.text("hash")).json()}


def _must_be(content: Json, kind: str) -> None:
    if content["type"] != kind:
        raise invalid_arguments(f"must be of type `{kind}` [json-pointer:/view/type]")


METHODS = {
    "views.open": Method(_open, (), Tier.FOUR),
    "views.push": Method(_push, (), Tier.FOUR),
    "views.update": Method(_update, (), Tier.FOUR),
    "views.publish": Method(_publish, (), Tier.FOUR),
}

"""Submitting and closing modals, and what the app's answer does to the stack."""

from ..blocks import check_view
from ..refusal import Json, Refused
from ..state import Slack
from ..views import View
from ..workspace import Person
from .acts import own_view
from .inputs import complaints, entered

TROUBLE = "We had some trouble connecting. Try again?"


async def submit(slack: Slack, person: Person, view_id: str, values: Json) -> dict[str, str]:
    """Errors by block_id, from Slack's own checks or from the app; empty when the modal moved on.

    :raises Refused: `operation_timeout` or `dispatch_failed` when the app did not take it, and
        `invalid_response` when its answer breaks Slack's rules
    """
    view = own_view(slack, person, view_id)
    if view is not slack.views.stack(person.id)[-1]:
        raise Refused("not_found")
    if not view.content.get("submit"):
        raise Refused("not_submittable")
    view.values = entered(view.content["blocks"], values, view.values, view.offered)
    if problems := complaints(view.content["blocks"], view.values):
        return problems
    payload = slack.payloads.submission(person, view, slack.triggers.issue(person.id, view.id))
    answer = await slack.link.ask("interactive", payload)
    if answer.outcome != "acked":
        why = "operation_timeout" if answer.outcome == "timeout" else "dispatch_failed"
        raise Refused(why, message=TROUBLE)
    if view not in slack.views.stack(person.id):
        return {}
    return _follow(slack, view, answer.payload)


def _follow(slack: Slack, view: View, answer: Json) -> dict[str, str]:
    action = answer.get("response_action")
    if action is None:
        slack.views.close(view)
    elif action == "clear":
        slack.views.clear(view.user)
    elif action == "errors":
        return _field_errors(view, answer.get("errors"))
    elif action in ("update", "push"):
        try:
            check_view(answer["view"])
        except (Refused, KeyError):
            raise Refused("invalid_response", message=TROUBLE) from None
        if action == "update":
            slack.views.update(view, answer["view"])
        else:
            slack.views.push(view.user, answer["view"])
    else:
        raise Refused("invalid_response", message=TROUBLE)
    return {}


def _field_errors(view: View, errors: object) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise Refused("invalid_response", message=TROUBLE)
    return {block_id: str(text) for block_id, text in errors.items()}


async def close(slack: Slack, person: Person, view_id: str) -> None:
    """The close button takes one view away; with `clear_on_close`, all of them."""
    view = own_view(slack, person, view_id)
    everything = bool(view.content.get("clear_on_close"))
    closing = list(slack.views.stack(person.id)) if everything else [view]
    if everything:
        slack.views.clear(person.id)
    else:
        slack.views.close(view)
    for closed in closing:
        if closed.content.get("notify_on_close"):
            payload = slack.payloads.closed(person, closed, cleared=everything)
            await slack.link.ask("interactive", payload, answerable=False)

"""Gives a person the answer to what they did: privately, where they look, or by opening a form."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.refusals import NO_ANSWER, meaning_of, reasons_of
from commands.kit import forms
from commands.kit.blocks import Block, Message, actions, button, plain, section
from commands.kit.command import Answer, Asked, OpenForm, Reply
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import esc, unmarked

log = structlog.get_logger("answers")
OPEN_FORM = "spotter.form"
MAX_BUTTON_VALUE = 2000


@dataclass(frozen=True)
class Reach:
    """How a person is reached: by Slack's `response_url`, by its `trigger_id` that opens one view, and in what kind of
    view they acted ("home" or "modal"), if in one."""

    response_url: str | None = None
    trigger_id: str | None = None
    view: str | None = None


NOWHERE_SPECIAL = Reach()


class Answers:
    def __init__(self, client: WebClient, services: Services) -> None:
        self._client = client
        self._services = services

    def give(self, answer: Answer, asked: Asked, reach: Reach = NOWHERE_SPECIAL) -> None:
        """In the view they acted in, else through the response_url, else into the channel for this person's eyes."""
        try:
            if isinstance(answer, OpenForm):
                answer = self._open(answer, asked, reach)
            if isinstance(answer, Reply) and not self._shown_in_view(answer, reach):
                self._reply(answer, asked, reach.response_url)
        except NO_ANSWER as failed:
            log.warning("answer_not_given", person=asked.person.id, error=str(failed))

    def _open(self, form: OpenForm, asked: Asked, reach: Reach) -> Answer:
        if reach.trigger_id is None:
            return Reply(_invitation(form, asked))
        view = forms.modal(form.command, form.values, asked, self._services)
        try:
            self._show(view, reach, reach.trigger_id)
        except NO_ANSWER as failed:
            log.warning("form_not_opened", command=form.command.name, error=str(failed))
            return Reply(_invitation(form, asked))
        return None

    def _shown_in_view(self, reply: Reply, reach: Reach) -> bool:
        """Who clicks on Home or in a modal would not see what is said in a conversation."""
        if reach.view is None or reach.trigger_id is None:
            return False
        content = reply.message.content()
        view = notice(content.get("plain") or content["blocks"])
        try:
            self._show(view, reach, reach.trigger_id)
        except NO_ANSWER as failed:
            log.warning("view_not_shown", error=str(failed))
            return False
        return True

    def _show(self, view: dict[str, Any], reach: Reach, trigger_id: str) -> None:
        """On top of the modal they are in, which would be gone otherwise."""
        show = self._client.views_push if reach.view == "modal" else self._client.views_open
        show(trigger_id=trigger_id, view=view)

    def _reply(self, reply: Reply, asked: Asked, respond: str | None) -> None:
        content = reply.message.content()
        text = content["text"]
        try:
            self._say(text, content["blocks"], asked, respond)
        except SlackApiError as refused:
            if meaning_of(refused) != "blocks":
                raise
            log.warning("blocks_refused", messages=reasons_of(refused))
            simpler = content.get("plain") or [section(text)]
            self._say(text, simpler, asked, respond)

    def _say(self, text: str, blocks: list[Block], asked: Asked, respond: str | None) -> None:
        """Where the response_url does not work, into the channel or the conversation with the person."""
        if respond and self._respond(respond, text, blocks):
            return
        try:
            if asked.channel != asked.person.id:
                self._client.chat_postEphemeral(
                    channel=asked.channel,
                    user=asked.person.id,
                    thread_ts=asked.thread_ts,
                    text=text,
                    blocks=blocks,
                )
                return
        except SlackApiError as refused:
            if meaning_of(refused) != "no_entry":
                raise
        self._client.chat_postMessage(channel=asked.person.id, text=text, blocks=blocks)

    def _respond(self, url: str, text: str, blocks: list[Block]) -> bool:
        try:
            answer = WebhookClient(url, timeout=10, retry_handlers=[]).send(
                text=text,
                blocks=blocks,
                response_type="ephemeral",
                replace_original=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        except NO_ANSWER as failed:
            log.warning("response_url_failed", error=str(failed))
            return False
        if answer.status_code != 200:
            log.warning("response_url_refused", status=answer.status_code, body=answer.body[:200])
        return answer.status_code == 200


def notice(blocks: Sequence[Block], title: str = "Spotter") -> dict[str, Any]:
    """A modal that only tells."""
    return {
        "type": "modal",
        "title": plain(title, forms.MAX_TITLE),
        "close": plain("Close", forms.MAX_TITLE),
        "blocks": list(blocks),
    }


def warning(problem: UserError) -> Message:
    """What a person is told when their wish cannot be met."""
    texts = [
        esc(text) if each.field else text
        for each in (problem, *problem.others)
        for text in [f"{each.problem} {each.next_step}"]
    ]
    return Message(unmarked(" ".join(texts)), [section("\n".join(f":warning: {text}" for text in texts))])


def apology(ref: str) -> Message:
    """What a person is told when Spotter itself failed."""
    text = f"Something went wrong inside Spotter. Nothing was started or changed. Try again; if it stays, quote {ref}."
    return Message(text, [section(f":warning: {text}")])


def _invitation(form: OpenForm, asked: Asked) -> Message:
    """A button instead of a form: after a mention, or when Slack's three seconds are over."""
    value = json.dumps({"command": form.command.name, "values": form.values})
    if len(value) > MAX_BUTTON_VALUE:
        value = json.dumps({"command": form.command.name})
    text = f"A few details are needed for {form.command.name}."
    opener = button("Open the form", OPEN_FORM, value, style="primary")
    return Message(text, [section(text), actions(opener)])

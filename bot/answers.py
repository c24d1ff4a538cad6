"""Gives a person the answer to what they did: privately, or by opening a form."""

import json

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.refusals import NO_ANSWER, meaning_of, reasons_of
from commands.kit import forms
from commands.kit.blocks import Block, Message, actions, button, section
from commands.kit.command import Answer, Asked, OpenForm, Reply
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import esc, unmarked

log = structlog.get_logger("answers")
OPEN_FORM = "spotter.form"
MAX_BUTTON_VALUE = 2000


class Answers:
    def __init__(self, client: WebClient, services: Services) -> None:
        self._client = client
        self._services = services

    def give(self, answer: Answer, asked: Asked, respond: str | None, trigger_id: str | None) -> None:
        """Answer through the response_url where there is one, else into the channel for this person's eyes."""
        try:
            if isinstance(answer, OpenForm):
                answer = self._open(answer, asked, trigger_id)
            if isinstance(answer, Reply):
                self._reply(answer, asked, respond)
        except NO_ANSWER as failed:
            log.warning("answer_not_given", person=asked.person.id, error=str(failed))

    def _open(self, form: OpenForm, asked: Asked, trigger_id: str | None) -> Answer:
        if trigger_id is None:
            return Reply(_invitation(form, asked))
        view = forms.modal(form.command, form.values, asked, self._services)
        try:
            self._client.views_open(trigger_id=trigger_id, view=view)
        except NO_ANSWER as failed:
            log.warning("form_not_opened", command=form.command.name, error=str(failed))
            return Reply(_invitation(form, asked))
        return None

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

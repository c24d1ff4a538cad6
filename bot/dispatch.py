"""Between Slack and the commands: takes what a person did, checks their role, runs the handler, answers.

What changes something is committed before Slack is acknowledged; everything else is acknowledged first. Before the ack
nothing is touched but the store and, where it is not remembered, Slack's list of who is in a group or a name.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient
from sqlalchemy.exc import OperationalError

from bot.after_ack import deferred, follow
from bot.answers import Answers, Reach, apology, notice, warning
from bot.payloads import origin, person_of
from bot.refusals import NO_ANSWER
from commands.home.view import home
from commands.kit import forms, inline
from commands.kit.blocks import note
from commands.kit.command import COURIER, PEOPLE, Action, Answer, Asked, Command, OpenForm, Reply
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from infra.http.fields import text
from storage import audit, marks

log = structlog.get_logger("dispatch")
ANY = re.compile(r".*", re.DOTALL)
DONE = Reply(note("Done. The message about it shows what happens next."))


class Dispatch:
    def __init__(self, commands: Sequence[Command], services: Services, client: WebClient) -> None:
        self._commands = {command.name: command for command in commands}
        self._forms = {form.word: form for command in commands for form in (command, *command.dialogs)}
        self._actions: dict[str, Action] = {
            action.id: action for command in commands for action in command.actions.values()
        }
        self._services = services = replace(services, wake=deferred(services.wake))
        self._client = client
        self._answers = Answers(client, services)

    def attach(self, app: App) -> None:
        """Register with Bolt: one listener for each kind of thing a person can do."""
        app.options(ANY)(self.suggestion)
        app.action(ANY)(self.click)
        app.view(ANY)(self.submission)
        app.command(ANY)(self.command)
        app.event("app_home_opened")(self.home_opened)
        app.event("app_mention")(self.mention)

    def command(self, body: dict[str, Any], ack: Ack, context: BoltContext) -> None:
        asked = Asked(
            person=person_of(body, context),
            channel=body["channel_id"],
            key=f"command:{body['trigger_id']}",
        )
        command = self._commands.get(body["command"])
        if command is None:
            ack(f"Spotter does not know {body['command']}. Type /spotter to see what it can do.")
            return
        typed = text(body, "text")
        work = self._guarded(lambda: self._typed(command, typed, asked), asked, command.name)
        reach = Reach(body.get("response_url"), body.get("trigger_id"))
        self._run(command.changes, work, asked, reach, context)
        ack()

    def click(self, body: dict[str, Any], ack: Ack, context: BoltContext) -> None:
        clicked = body["actions"][0]
        action = self._actions.get(clicked["action_id"])
        if action is None:
            ack()
            self._follow(context, lambda: self._preview(clicked["action_id"], body, context))
            return
        container = body.get("container") or {}
        person = person_of(body, context)
        place = container.get("message_ts") or container.get("view_id") or ""
        value = text(clicked, "value") or text(clicked, "selected_option", "value")
        asked = Asked(
            person=person,
            channel=(body.get("channel") or {}).get("id") or container.get("channel_id") or person.id,
            key=f"click:{action.id}:{value}:{place}",
            thread_ts=container.get("thread_ts"),
            trigger=text(body, "trigger_id"),
        )

        view = (body.get("view") or {}).get("type")

        def work() -> Answer:
            self._services.people.require(person, action.role)
            answer = action.handler(value, asked, self._services)
            return DONE if answer is None and view and action.changes else answer

        reach = Reach(body.get("response_url"), body.get("trigger_id"), view)
        self._run(action.changes, self._guarded(work, asked, action.id), asked, reach, context)
        ack()

    def submission(self, body: dict[str, Any], ack: Ack, context: BoltContext) -> None:
        view = body["view"]
        command = self._forms.get(view["callback_id"])
        if command is None:
            ack()
            return
        asked, carried = origin(body, context)
        values = forms.values_of(view["state"]) | carried
        try:
            self._services.people.require(asked.person, command.role)
        except UserError as problem:
            ack(response_action="update", view=notice(warning(problem).blocks, command.title))
            return
        try:
            work = self._checked(command, values, asked)
            answer = work() if command.changes else None
        except UserError as problem:
            self._form_error(command, problem, values, asked, ack)
            return
        except Exception as failed:
            message = self._incident(failed, asked, command.name)
            ack(response_action="update", view=notice(message.message.blocks, command.title))
            return
        told = self._guarded(work, asked, command.name)
        ack()
        self._follow(context, lambda: self._answers.give(answer if command.changes else told(), asked))

    def _preview(self, action_id: str, body: dict[str, Any], context: BoltContext) -> None:
        """Somebody chose a value in a form: what the form says of it is written anew, what was entered stays.

        Not in a form that has changed since, such as one that now says why it was refused."""
        command, view = self._forms.get(action_id.partition(":")[0]), body.get("view")
        if command is None or command.previewed is None or view is None:
            return
        asked, carried = origin(body, context)
        if not self._services.people.surely_may(asked.person, command.role):
            return
        values = forms.values_of(view["state"]) | carried
        shown = forms.modal(command, values, asked, self._services)
        try:
            self._client.views_update(view_id=view["id"], hash=view["hash"], view=shown)
        except NO_ANSWER as failed:
            log.info("preview_not_shown", command=command.name, error=str(failed))

    def suggestion(self, body: dict[str, Any], ack: Ack, context: BoltContext) -> None:
        word, _, name = body["action_id"].partition(":")
        command = self._forms.get(word)
        field = next((field for field in command.fields if field.name == name), None) if command else None
        person = person_of(body, context)
        if command is None or field is None or not self._services.people.surely_may(person, command.role):
            ack(options=[])
            return
        ack(options=forms.choices(field, person, text(body, "value"), self._services))

    def home_opened(
        self, event: dict[str, Any], body: dict[str, Any], ack: Ack, context: BoltContext
    ) -> None:
        ack()
        if event.get("tab") != "home":
            return
        person = person_of(body, context)

        def publish() -> None:
            try:
                self._client.views_publish(user_id=person.id, view=self._home(person))
            except NO_ANSWER as failed:
                log.warning("home_not_shown", person=person.id, error=str(failed))

        self._follow(context, publish)

    def _home(self, person: Person) -> dict[str, Any]:
        try:
            self._services.people.require(person, "view")
        except UserError as problem:
            return {"type": "home", "blocks": list(warning(problem).blocks)}
        try:
            return home(person, self._services)
        except Exception as failed:
            told = self._incident(failed, Asked(person, person.id, "home"), "Home").message
            return {"type": "home", "blocks": list(told.blocks)}

    def mention(self, event: dict[str, Any], body: dict[str, Any], ack: Ack, context: BoltContext) -> None:
        typed = re.sub(r"<@[^>]+>", "", text(event, "text")).strip()
        word, _, rest = typed.partition(" ")
        command = self._commands.get(f"/{word.lower().removeprefix('/')}")
        if command is None:
            command, rest = self._commands["/spotter"], ""
        asked = Asked(
            person=replace(person_of(body, context), name=self._services.people.named(event["user"]).name),
            channel=event["channel"],
            key=f"mention:{body.get('event_id') or event['ts']}",
            thread_ts=event.get("thread_ts"),
        )
        work = self._guarded(lambda: self._typed(command, rest, asked), asked, command.name)
        # what changes something is done before the delivery is ticked off: a crash in between must not lose it
        answer = work() if command.changes else None
        with self._services.store.write() as tx:
            first = marks.first_delivery(tx, asked.key, self._services.clock.now())
        if first:
            self._follow(context, lambda: self._answers.give(answer if command.changes else work(), asked))
        ack()

    def _typed(self, command: Command, typed: str, asked: Asked) -> Answer:
        if typed.strip().lower() == "help":
            self._services.people.require(asked.person, "view")
            return Reply(inline.explain(command)) if command.fields else self._execute(command, {}, asked)
        self._services.people.require(asked.person, command.role)
        values = inline.read(command, typed)
        if command.fields and not inline.complete(command, values):
            return OpenForm(command, values)
        return self._execute(command, values, asked)

    def _execute(self, command: Command, values: dict[str, str], asked: Asked) -> Answer:
        return self._checked(command, values, asked)()

    def _checked(self, command: Command, values: dict[str, str], asked: Asked) -> Callable[[], Answer]:
        """What the command does with these values. Raises UserError where something is wrong with them."""
        handler = command.handler
        assert handler is not None  # noqa: S101  a test walks every command for this
        self._services.people.require(asked.person, command.role)
        args = command.parse(values) if command.args else None
        command.validate(args, self._services)
        return lambda: handler(args, asked, self._services)

    def _run(
        self,
        before_ack: bool,
        work: Callable[[], Answer],
        asked: Asked,
        reach: Reach,
        context: BoltContext,
    ) -> None:
        if before_ack:
            answer = work()
            self._follow(context, lambda: self._answers.give(answer, asked, reach))
        else:
            self._follow(context, lambda: self._answers.give(work(), asked, reach))

    def _guarded(self, work: Callable[[], Answer], asked: Asked, what: str) -> Callable[[], Answer]:
        def guarded() -> Answer:
            try:
                return work()
            except UserError as problem:
                return Reply(warning(problem))
            except Exception as failed:
                return self._incident(failed, asked, what)

        return guarded

    def _incident(self, failed: Exception, asked: Asked, what: str) -> Reply:
        ref = secrets.token_hex(2).upper()
        log.error("incident", ref=ref, what=what, person=asked.person.id, exc_info=failed)
        if isinstance(failed, OperationalError):  # waiting for the database again would be too late
            self._services.health.does_not_write(failed, about=COURIER)  # which looks whether that is over
            return Reply(apology(ref))
        try:
            with self._services.store.write() as tx:
                audit.record(
                    tx,
                    at=self._services.clock.now(),
                    actor=asked.person.id,
                    action="incident",
                    subject=what,
                    ref=ref,
                    error=type(failed).__name__,
                )
        except Exception:
            log.exception("incident_not_recorded", ref=ref)
        return Reply(apology(ref))

    def _form_error(
        self, command: Command, problem: UserError, values: dict[str, str], asked: Asked, ack: Ack
    ) -> None:
        """Each on its field, else above the form; what was entered stays."""
        names = {field.name for field in command.fields}
        told = {
            each.field: f"{each.problem} {each.next_step}"[:2000]
            for each in (problem, *problem.others)
            if each.field in names
        }
        if told:
            ack(response_action="errors", errors=told)
            return
        view = forms.modal(command, values, asked, self._services)
        view["blocks"] = [*warning(problem).blocks, *view["blocks"]]
        ack(response_action="update", view=view)

    def _follow(self, context: BoltContext, work: Callable[[], None]) -> None:
        def follow_up() -> None:
            work()
            self._services.wake(PEOPLE)

        follow(context, follow_up)

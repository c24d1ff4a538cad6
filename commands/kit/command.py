"""A command, declared once: its arguments, who may use it, what it does, its buttons and its followers."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from re import Pattern
from typing import Any, TypeVar

from sqlalchemy import Connection

from commands.kit.blocks import Message
from commands.kit.errors import UserError
from commands.kit.health import AZURE
from commands.kit.people import Person
from commands.kit.policy import Policy, Role
from commands.kit.services import Services
from storage import marks

COURIER = "courier"
PEOPLE = "people"  # who paces the followers hears of each thing that a person does


@dataclass(frozen=True)
class Option:
    """One choice: its value, how it is shown, and a note in small print."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """Where and how a person asked: `key` is the same for every click on one button, and when a form arrives again.
    `trigger` is what Slack calls one click."""

    person: Person
    channel: str
    key: str
    thread_ts: str | None = None
    trigger: str = ""

    def first_time(self, tx: Connection, at: datetime) -> bool:
        """Whether this very delivery has no effect yet; remembered together with the effect, or not at all. For what
        can be undone, so that a delivery which comes again after that does not do it again."""
        return marks.first_delivery(tx, f"done:{self.trigger or self.key}"[:255], at)


@dataclass(frozen=True)
class Reply:
    """An answer to the person who asked; only they see it."""

    message: Message


@dataclass(frozen=True)
class OpenForm:
    """Ask for the arguments in a modal, with these values filled in."""

    command: "Command"
    values: dict[str, str]


Answer = Reply | OpenForm | None
Handler = TypeVar("Handler", bound=Callable[..., "OpenForm | Reply | None"])
Check = TypeVar("Check", bound=Callable[..., None])
Preview = TypeVar("Preview", bound=Callable[..., str])
OnClick = TypeVar("OnClick", bound=Callable[..., "OpenForm | Reply | None"])
Step = TypeVar("Step", bound=Callable[[Services], None])
Choices = Callable[[Services, Person, str], list[Option]]
Suggestion = Callable[[Services, Person], str | None]


@dataclass(frozen=True)
class Field:
    """One argument, as forms, inline calls, help and docs need it."""

    name: str
    label: str
    hint: str
    required: bool
    default: str | None
    matching: Pattern[str] | None = None
    rule: str = ""
    choices: Choices | None = None
    none: str = ""
    suggest: Suggestion | None = None
    multiline: bool = False
    carried: bool = False
    rest: bool = False


def text(
    label: str,
    *,
    hint: str = "",
    matching: Pattern[str] | None = None,
    rule: str = "",
    default: Any = MISSING,
    suggest: Suggestion | None = None,
    multiline: bool = False,
    rest: bool = False,
) -> Any:
    """A free-text argument; `rule` tells in words what `matching` allows. `rest`: typed in one line, it takes every
    word from its place on that is not given by name."""
    spec = {"label": label, "hint": hint, "matching": matching, "rule": rule, "suggest": suggest}
    return field(default=default, metadata={"spec": {**spec, "multiline": multiline, "rest": rest}})


def carried() -> Any:
    """What a dialog is about, such as an id: given by the button that opens it, and not shown."""
    return field(metadata={"spec": {"label": "", "hint": "", "carried": True}})


def choice(
    label: str,
    *,
    from_: Choices,
    hint: str = "",
    none: str = "",
    default: Any = MISSING,
    suggest: Suggestion | None = None,
) -> Any:
    """An argument chosen from what the workspace holds, with type-ahead; `none` is the hint where it holds nothing."""
    spec = {"label": label, "hint": hint, "none": none, "choices": from_, "suggest": suggest}
    return field(default=default, metadata={"spec": spec})


@dataclass(frozen=True)
class Action:
    """A button: what a click does. `id` is `<command>.<name>`."""

    id: str
    role: Role
    changes: bool
    handler: Callable[[str, Asked, Services], Answer]


@dataclass(frozen=True)
class Follower:
    """Work that compares what is wanted with what is there and moves one step; may run at any time, twice, or after
    a crash.

    `service` is the one that it asks, whose trouble is its trouble; `hinted`: news pushed by that service wakes it, and
    it looks more often while a person may wait; `rests`: less often while nobody is there, as at night.
    `everywhere`: in every replica, for what it keeps is in memory; others run in the one that leads.
    """

    name: str
    every: Callable[[Policy], float]
    step: Callable[[Services], None]
    service: str = AZURE
    hinted: bool = False
    rests: bool = False
    everywhere: bool = False


class Command:
    """Declares a command; the decorators attach what it does.

    A command that `changes` something commits it before Slack is answered; one that only tells is acknowledged first.
    """

    def __init__(
        self,
        name: str,
        args: type[Any] | None = None,
        *,
        role: Role,
        summary: str,
        title: str = "",
        submit: str = "Show",
        changes: bool = False,
        examples: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`examples` are what may be typed with what it does, for help and docs."""
        self.name = name
        self.args = args
        self.role = role
        self.summary = summary
        self.title = title or name
        self.submit = submit
        self.changes = changes
        self.examples = examples
        self.fields: list[Field] = [_field(item) for item in fields(args)] if args else []
        self.handler: Callable[[Any, Asked, Services], Answer] | None = None
        self.checks: list[Callable[[Any, Services], None]] = []
        self.previewed: Callable[[dict[str, str], Services], str] | None = None
        self.actions: dict[str, Action] = {}
        self.followers: list[Follower] = []
        self.dialogs: list[Command] = []

    @property
    def word(self) -> str:
        """The name without its slash: the prefix of action ids, the id of its form."""
        return self.name.removeprefix("/")

    @property
    def usage(self) -> str:
        """The inline form: `/train model_name dataset cluster [experiment]`."""
        shown = [item.name if item.required else f"[{item.name}]" for item in self.fields]
        return " ".join([self.name, *shown])

    def run(self, handler: Handler) -> Handler:
        self.handler = handler
        return handler

    def check(self, check: Check) -> Check:
        """A rule about the arguments; raises UserError with the field it belongs to."""
        self.checks.append(check)
        return check

    def preview(self, preview: Preview) -> Preview:
        """What the form says below its fields, in mrkdwn, of the values that are entered so far, by field name."""
        self.previewed = preview
        return preview

    def action(
        self, name: str, *, role: Role | None = None, changes: bool = False
    ) -> Callable[[OnClick], OnClick]:
        """What a click on the button `<command>.<name>` does, with the button's value."""

        def attach(handler: OnClick) -> OnClick:
            action = Action(f"{self.word}.{name}", role or self.role, changes, handler)
            self.actions[action.id] = action
            return handler

        return attach

    def dialog(self, name: str, args: type[Any], *, role: Role, title: str, submit: str) -> "Command":
        """A form of this command that only its buttons open; what it does is attached as to a command."""
        made = Command(
            f"{self.name}.{name}", args, role=role, summary=title, title=title, submit=submit, changes=True
        )
        self.dialogs.append(made)
        return made

    def follow(
        self,
        name: str,
        *,
        every: Callable[[Policy], float],
        service: str = AZURE,
        hinted: bool = False,
        rests: bool = False,
        everywhere: bool = False,
    ) -> Callable[[Step], Step]:
        """Attach a follower."""

        def attach(step: Step) -> Step:
            self.followers.append(Follower(name, every, step, service, hinted, rests, everywhere))
            return step

        return attach

    def parse(self, values: dict[str, str]) -> Any:
        """Arguments from texts by field name. Raises UserError with every field that does not fit."""
        assert self.args is not None  # noqa: S101  a command without arguments is never parsed
        entered = {item.name: values.get(item.name, "").strip() for item in self.fields}
        given = {name: value for name, value in entered.items() if value}
        problems = [wrong for item in self.fields if (wrong := _problem(item, given.get(item.name)))]
        if problems:
            raise problems[0].besides(problems[1:])
        return self.args(**given)

    def validate(self, args: Any, services: Services) -> None:
        """Every check. Raises UserError with all that is wrong, for each field what was found first."""
        found: dict[str, UserError] = {}
        for check in self.checks:
            try:
                check(args, services)
            except UserError as wrong:
                found.setdefault(wrong.field or str(wrong), wrong)
        if found:
            first, *others = found.values()
            raise first.besides(others)


def _problem(item: Field, value: str | None) -> UserError | None:
    if value is None and item.carried:
        return UserError("It is not known any more what this form is about.", "Open it again.")
    if value is None and item.required:
        return UserError(f"{item.label} is missing.", item.hint or item.rule, field=item.name)
    if value and item.matching and not item.matching.fullmatch(value):
        return UserError(f"{item.label} cannot be “{value[:80]}”.", item.rule, field=item.name)
    return None


def _field(item: Any) -> Field:
    default = None if item.default is MISSING else item.default
    return Field(name=item.name, required=item.default is MISSING, default=default, **_spec(item))


def _spec(item: Any) -> dict[str, Any]:
    spec: dict[str, Any] = item.metadata["spec"]
    return spec

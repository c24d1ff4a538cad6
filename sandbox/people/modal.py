"""A modal as a person fills it in."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .controls import Control, controls, named
from .fields import offered, picked
from .plain import Reader
from .wire import Json, RefusedError, Seen, Wire


class Wait(Protocol):
    def __call__(
        self, look: Callable[[], Seen | None], timeout: float | None, otherwise: Callable[[], str]
    ) -> Seen: ...


@dataclass(frozen=True)
class Field:
    """An input by its label: what stands in it, its hint, and the error shown below it."""

    label: str
    value: Any
    hint: str
    error: str
    _options: Callable[[str], list[str]]

    def offers(self, typed: str = "") -> list[str]:
        """The texts of the options that a select shows for what was typed."""
        return self._options(typed)


@dataclass
class Modal:
    """`errors` are those of the last submission, by label."""

    view: Json
    wire: Wire
    reader: Reader
    wait: Wait
    errors: dict[str, str] = field(default_factory=dict)
    entered: Json = field(default_factory=dict)

    @property
    def title(self) -> str:
        return str(self.view["title"]["text"])

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.view["blocks"]
        return blocks

    @property
    def container(self) -> Json:
        return {"view_id": self.view["id"]}

    @property
    def text(self) -> str:
        """Title, blocks with what was entered, errors, and the buttons below."""
        lines = [f"# {self.title}"]
        for block in self.blocks:
            if block["type"] != "input":
                lines += self.reader.blocks([block])
                continue
            shown = self.field(self.reader.text(block["label"]))
            lines.append(f"{shown.label}: {_readable(shown.value)}")
            lines += [f"  ({shown.hint})"] if shown.hint else []
            lines += [f"  ! {shown.error}"] if shown.error else []
        below = [self.view[name]["text"] for name in ("close", "submit") if self.view[name]]
        return "\n".join(lines + ([" ".join(f"[{label}]" for label in below)] if below else []))

    @property
    def labels(self) -> list[str]:
        """Of everything that can be filled in or pressed."""
        return [control.label for control in controls(self.blocks, self.reader)]

    def field(self, label: str) -> Field:
        control = named(self.blocks, self.reader, label)
        hint = control.block.get("hint")
        return Field(
            label,
            self._value(control),
            self.reader.text(hint) if hint else "",
            self.errors.get(label, ""),
            lambda typed: [
                option["text"]["text"]
                for option in offered(self.wire, self.container, control, typed, self.entered)
            ],
        )

    def fills(self, answers: dict[str, Any]) -> "Modal":
        """Enters text, or picks options by their text (type-ahead selects are typed into), by label."""
        for label, said in answers.items():
            control = named(self.blocks, self.reader, label)
            value = picked(self.wire, self.container, control, said, self.entered)
            value["type"] = control.element["type"]
            self.entered.setdefault(control.block_id, {})[control.action_id] = value
            if control.block["type"] != "input" or control.block.get("dispatch_action"):
                self._act(control, value)
        return self

    def clicks(self, label: str, *, confirm: bool = True) -> None:
        control = named(self.blocks, self.reader, label)
        if "confirm" not in control.element or confirm:
            self._act(control, {"selected_option": control.option} if control.option else {})

    def submits(self) -> None:
        """:raises RefusedError: when the modal stays open with errors on its fields"""
        if self._submit():
            raise RefusedError(f"the modal was not accepted:\n{self.text}")

    def submits_and_sees(self, expected: dict[str, str]) -> "Modal":
        """Submits, and finds an error containing each expected text below the field of that label."""
        self._submit()
        for label, text in expected.items():
            if text not in self.errors.get(label, ""):
                raise RefusedError(f"no error “{text}” below “{label}”:\n{self.text}")
        return self

    def closes(self) -> None:
        self.wire.post("close", view_id=self.view["id"])

    def becomes(self, pattern: str, timeout: float | None = None) -> "Modal":
        """Waits until the app updated this view to match the regular expression."""
        return self.wait(
            lambda: self if re.search(pattern, self.refresh().text) else None,
            timeout,
            lambda: f"the modal did not become “{pattern}”, it still reads:\n{self.text}",
        )

    def refresh(self) -> "Modal":
        for view in self.wire.get("state")["views"]:
            if view["id"] == self.view["id"]:
                self.view = view
        return self

    def _submit(self) -> dict[str, str]:
        answer = self.wire.post("submit", view_id=self.view["id"], values=self.entered)
        labels = {c.block_id: c.label for c in controls(self.blocks, self.reader)}
        self.errors = {labels[block_id]: text for block_id, text in answer.get("errors", {}).items()}
        return self.errors

    def _act(self, control: Control, payload: Json) -> None:
        self.wire.post(
            "click",
            container=self.container,
            block_id=control.block_id,
            action_id=control.action_id,
            payload=payload,
            values=self.entered,
        )

    def _value(self, control: Control) -> Any:
        """What stands in the field: a text, an option's text, or a list of them."""
        entered = self.entered.get(control.block_id, {}).get(control.action_id)
        known = self.view["state"]["values"].get(control.block_id, {}).get(control.action_id)
        for value in (entered or known or {}).items():
            if value[0] != "type":
                return _text_of(value[1])
        for name, value in control.element.items():
            if name.startswith("initial_"):
                return _text_of(value)
        return None


def _text_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_text_of(entry) for entry in value]
    return value["text"]["text"] if isinstance(value, dict) else value


def _readable(value: Any) -> str:
    if value in (None, "", []):
        return "____"
    return ", ".join(value) if isinstance(value, list) else str(value)

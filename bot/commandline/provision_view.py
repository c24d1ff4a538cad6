"""What `spotter provision` shows on the terminal: things under their headings, and what is left to a person."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.text import Text

from infra.setup.setup import Seen
from infra.setup.step import State, Step, Todo
from infra.setup.world import World

MARKS: dict[State, tuple[str, str]] = {
    "fine": ("✓", "green"),
    "missing": ("+", "bold cyan"),
    "differs": ("~", "bold yellow"),
    "waits": ("·", "dim"),
    "person": ("!", "bold magenta"),
    "failed": ("✗", "bold red"),
}
COUNTED: dict[State, str] = {
    "missing": "to make",
    "differs": "to change",
    "waits": "after that",
    "person": "for a person",
    "failed": "failed",
    "fine": "as wanted",
}
NAME_WIDTH = 25
WORDS_AT = 5 + NAME_WIDTH


class View:
    """Calm: one line for a thing, no frames; colours and a spinner only where there is a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._heading = ""

    def open(self, world: World) -> None:
        place, devops = world.azure.workspace, world.devops.connection.place
        organization = devops.organization.rstrip("/")
        self._console.print()
        where = f"{place.resource_group}, {world.region}" if world.has_workspace else place.resource_group
        self._line((place.name, "bold"), f" in {where}")
        self._line((devops.project, "bold"), f" at {organization}, repository {world.repository.name}")

    def looking(self) -> AbstractContextManager[object]:
        return self._console.status("Looking …", spinner_style="dim")

    def making(self, step: Step) -> AbstractContextManager[object]:
        return self._console.status(Text(f"{step.kind}: {step.name} …"), spinner_style="dim")

    def show(self, seen: Seen) -> None:
        """One thing, below its heading."""
        if seen.step.kind != self._heading:
            self._heading = seen.step.kind
            self._console.print()
            self._line((self._heading, "dim"))
        done = f"{seen.done}: " if seen.done else ""
        first, *rest = self._wrapped(done + seen.finding.words, WORDS_AT)
        self._line(MARKS[seen.finding.state], f" {seen.step.name:{NAME_WIDTH}} ", first)
        for line in rest:
            self._line(" " * (WORDS_AT - 2), line)

    def sum_up(self, found: Sequence[Seen], next_step: str) -> None:
        """How many of each, what a person must do, and what to do next."""
        counts = Counter(seen.finding.state for seen in found if not seen.done)
        parts = [f"{number} {done}" for done, number in Counter(seen.done for seen in found).items() if done]
        parts += [
            f"{MARKS[state][0]} {counts[state]} {words}" for state, words in COUNTED.items() if counts[state]
        ]
        self._console.print()
        self._line("   ".join(parts))
        todos = list(dict.fromkeys(seen.finding.todo for seen in found if seen.finding.todo))
        if todos:
            self._console.print()
            self._line(("For a person", "bold"))
        for number, todo in enumerate(todos, 1):
            self._todo(number, todo)
        self._console.print()
        self._line(next_step)
        self._console.print()

    def _todo(self, number: int, todo: Todo) -> None:
        first, *rest = self._wrapped(todo.title, 5)
        self._console.print()
        self._line((f"{number}.", "bold magenta"), f" {first}")
        for line in rest:
            self._line("   ", line)
        self._line("   ", (todo.page, "cyan"))
        width = max((len(name) for name, _ in todo.values), default=0)
        for name, value in todo.values:
            self._line("   ", (f"{name:{width}}  ", "dim"), value)

    def _wrapped(self, words: str, indent: int) -> list[str]:
        width = max(20, self._console.width - indent)
        return textwrap.wrap(words, width, break_on_hyphens=False, break_long_words=False) or [""]

    def _line(self, *parts: str | tuple[str, str]) -> None:
        """As it is, so that a page's address can be copied whole."""
        self._console.print(Text.assemble("  ", *parts), soft_wrap=True)

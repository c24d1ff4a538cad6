"""Writes the tables of docs/security.md: `.venv/bin/python -m docs.write_security`."""

import re
from pathlib import Path

from commands.kit.manifest import SCOPES
from tests.abuse.actions import ROWS, RULES, Row
from tests.abuse.people import PEOPLE

FILE = Path(__file__).parent / "security.md"
WAYS = {
    "typed": "typed as a command",
    "mentioned": "by a mention",
    "button": "a button",
    "form": "sending a form",
    "menu": "type-ahead in a form",
    "preview": "what a form says below its fields",
    "home": "the Home tab",
}


def page() -> str:
    told = FILE.read_text()
    for name, table in (("actions", _actions()), ("scopes", _scopes())):
        between = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        told, found = re.subn(
            between, lambda marks, table=table: marks[1] + table + marks[2], told, flags=re.DOTALL
        )
        assert found == 1, name  # noqa: S101  only whoever edits the page meets it
    return told


def _actions() -> str:
    lines = [
        f"{len(ROWS)} actions, each tried by {len(PEOPLE)} kinds of people: {len(ROWS) * len(PEOPLE)} cells.",
        "",
        "| who may | what | by |",
        "|---|---|---|",
    ]
    for rule in RULES:
        for way, told in WAYS.items():
            if mine := [row for row in ROWS if row.rule == rule and row.way == way]:
                lines.append(f"| {rule} | {', '.join(map(_name, mine))} | {told} |")
    kinds = ", ".join(PEOPLE)
    return "\n".join([*lines, "", f"The kinds of people: {kinds}.", ""])


def _name(row: Row) -> str:
    return f"`{row.name}`{' *' if row.effect == 'changes' else ''}"


def _scopes() -> str:
    lines = ["| scope | because Spotter |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{scope}` | {why} |" for scope, why in sorted(SCOPES.items())), ""])


if __name__ == "__main__":
    FILE.write_text(page())

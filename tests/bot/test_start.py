"""The bot starts with what it needs to open its door, and no more: everything that is imported makes people wait."""

import subprocess
import sys

from commands import rooms
from commands.only_tell import ONLY_TELL

DOOR = "import sys, bot.cli; bot.cli.main.get_command(None, 'run'); print(*sys.modules)"
BEHIND = "import sys, bot.cli; bot.cli.main.get_command(None, 'run'); import bot.app; print(*sys.modules)"
LATER = {"alembic", "azure", "msal", "psycopg", "requests", "rich", "sandbox", "yaml"}


def imported(script: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_what_takes_long_is_not_imported_before_the_door_is_open() -> None:
    modules = imported(DOOR)
    assert {"bot.door", "slack_bolt"} <= modules
    assert packages(modules) & (LATER | {"sqlalchemy"}) == set()
    assert modules & {"bot.app", "commands.rooms", "commands.kit.policy"} == set()


def test_what_is_built_behind_it_asks_nobody_yet() -> None:
    modules = imported(BEHIND)
    assert {"commands.rooms", "sqlalchemy"} <= modules
    assert packages(modules) & LATER == set()
    assert "sqlalchemy.dialects.postgresql" not in modules


def test_what_may_be_acknowledged_before_the_rooms_are_loaded_changes_nothing() -> None:
    assert {command.name for command in rooms.ALL if not command.changes} == ONLY_TELL

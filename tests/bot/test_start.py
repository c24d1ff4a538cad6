"""The bot starts with what it needs to serve, and no more: everything that is imported makes people wait."""

import subprocess
import sys

AT_THE_START = "import sys, bot.cli; bot.cli.main.get_command(None, 'run'); print(*sys.modules)"
LATER = {"alembic", "azure", "msal", "psycopg", "requests", "rich", "sandbox", "yaml"}


def test_what_takes_long_is_not_imported_before_the_bot_serves() -> None:
    done = subprocess.run([sys.executable, "-c", AT_THE_START], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    packages = {module.partition(".")[0] for module in modules}
    assert {"slack_bolt", "sqlalchemy", "commands"} <= packages
    assert packages & LATER == set()
    assert "sqlalchemy.dialects.postgresql" not in modules

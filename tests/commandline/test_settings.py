"""Where commands take their settings from."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from storage import audit, migrate
from storage.database import Store
from tests.forks import Forks


def test_settings_come_from_the_folder_and_rather_from_the_environment(tmp_path: Path, forks: Forks) -> None:
    def spotter(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return forks.run(*arguments, environment=settings, folder=tmp_path)

    for name, rows in (("here", 2), ("there", 3)):
        store = Store(f"sqlite:///{tmp_path / name}.db")
        migrate.upgrade(store)
        with store.write() as tx:
            for number in range(rows):
                audit.record(tx, at=datetime.now(UTC), actor="U1", action="train", subject=str(number))
        store.close()
    (tmp_path / ".env").write_text(
        "DATABASE_URL=sqlite:///here.db\nSLACK_BOT_TOKEN=\nSPOTTER_CONFIG=missing.toml\n"
    )

    assert "whole: 2 rows" in spotter("audit", "verify").stdout
    assert "whole: 3 rows" in spotter("audit", "verify", DATABASE_URL="sqlite:///there.db").stdout

    end = spotter("audit", "verify").stdout.split()[-1]
    assert spotter("audit", "verify", "--expect", end).returncode == 0
    shorter = spotter("audit", "verify", "--expect", f"5:{'a' * 64}")
    assert shorter.returncode == 1 and "rows 3 to 5 are missing at the end" in shorter.stderr
    assert "is no end of a trail" in spotter("audit", "verify", "--expect", "5").stderr

    run = spotter("run")
    assert run.returncode == 1
    assert "SLACK_BOT_TOKEN" in run.stderr and "in .env" in run.stderr

    place = {"AZURE_SUBSCRIPTION_ID": "s", "AZURE_RESOURCE_GROUP": "g", "AZUREML_WORKSPACE_NAME": "w"}
    publish = spotter("publish-pipeline", "--version", "1", **place)
    assert publish.returncode == 1
    assert "There is no policy file missing.toml. Name the right one in SPOTTER_CONFIG" in publish.stderr

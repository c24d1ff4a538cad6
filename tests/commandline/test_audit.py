"""The audit trail for whoever looks at it from outside: whole or not, on paper, and where there is none."""

import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import audit, migrate
from storage.database import Store
from tests.forks import Forks


@pytest.fixture
def trail(tmp_path: Path) -> Store:
    """Of what has no model, too."""
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    told = (("U1", "digest.set"), ("U2", "publish.request"), ("azure-devops", "deploy.check"))
    with store.write() as tx:
        for actor, action in told:
            audit.record(
                tx, at=at, actor=actor, action=action, subject="line-1", words="Prüfung “1”", tries=2
            )
    store.close()
    return store


def test_the_whole_trail_is_exported_so_that_anyone_can_follow_its_hashes(
    trail: Store, tmp_path: Path, forks: Forks
) -> None:
    def export(*arguments: str) -> subprocess.CompletedProcess[str]:
        return forks.run("audit", "export", *arguments, environment={}, folder=tmp_path)

    done = export()
    assert done.returncode == 0, done.stderr
    *rows, end = map(json.loads, done.stdout.splitlines())
    assert [row["action"] for row in rows] == ["digest.set", "publish.request", "deploy.check"]
    previous = "0" * 64
    for row in rows:
        claimed = row.pop("hash")
        content = json.dumps(row, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(content.encode()).hexdigest() == claimed
        assert row["previous"] == previous
        previous = claimed
    assert end == {"trail": "whole", "trail_end": f"3:{previous}"}
    kept = forks.run("audit", "verify", "--expect", end["trail_end"], environment={}, folder=tmp_path)
    assert kept.returncode == 0, kept.stderr

    page = export("--page")
    assert page.returncode == 2 and "name it with --model" in page.stderr
    with trail.write() as tx:
        tx.exec_driver_sql("UPDATE audit SET actor = 'U3' WHERE seq = 2")
    trail.close()
    changed = export()
    assert changed.returncode == 1
    assert "the audit trail is broken at row 2: its content does not match its hash." in changed.stderr
    assert "broken at row 2" in json.loads(changed.stdout.splitlines()[-1])["trail"]


@pytest.mark.parametrize("act", ["verify", "export"])
def test_where_there_is_no_trail_nothing_is_made_and_one_sentence_says_so(
    act: str, tmp_path: Path, forks: Forks
) -> None:
    def says(**settings: str) -> str:
        before = {file: file.read_bytes() for file in tmp_path.iterdir()}
        done = forks.run("audit", act, environment=settings, folder=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
        (sentence,) = done.stderr.splitlines()
        return sentence

    (tmp_path / "empty.db").touch()
    (tmp_path / "letter.db").write_text("Dear auditor, there is no database here, only words. " * 20)
    name_it = "Name the right one in DATABASE_URL, or give it as --database-url."
    assert says() == f"spotter: there is no database spotter.db. {name_it}"
    assert says(DATABASE_URL="sqlite:///empty.db") == (
        f"spotter: the database has no audit trail: no Spotter has used it. {name_it}"
    )
    assert says(DATABASE_URL="sqlite:///letter.db") == (
        "spotter: The database does not answer: file is not a database. Check DATABASE_URL, and that the server runs."
    )
    assert says(DATABASE_URL="spotter.db").startswith(
        "spotter: DATABASE_URL is not the address of a database"
    )
    nobody = says(DATABASE_URL="postgresql://spotter:hunter22@127.0.0.1:1/spotter")
    assert nobody.startswith("spotter: The database does not answer: ") and "hunter22" not in nobody

"""The launcher as people start it: a process of its own, on a free port, with its files in a folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sandbox.people import People
from sandbox.spotter import Spotter

PATIENCE = 120.0


def launcher(root: Path, port: int = 0, **elsewhere: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.cli", "--port", str(port), "--root", str(root)],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **elsewhere},
        cwd=root.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Waits for a line of its output; pytest's own time limit ends the wait for a line that never comes."""
    heard = []
    for line in process.stdout or ():
        heard.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"it ended without saying “{pattern}”, but:\n{''.join(heard)}")


def refused(root: Path, port: int = 0) -> str:
    """What it says when it does not start."""
    process = launcher(root, port)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    return told


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder where the launcher runs holds the `.env` of other work: there is no such host here."""
    (tmp_path / ".env").write_text("HOST=192.0.2.1\n")
    return tmp_path / "root"


@pytest.fixture
def running(root: Path) -> Iterator[subprocess.Popen[str]]:
    process = launcher(
        root, AZURE_CLIENT_ID="of-other-work", HOST="192.0.2.1", HTTP_PROXY="http://127.0.0.1:1"
    )
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def test_it_is_there_for_its_visitor(running: subprocess.Popen[str], root: Path) -> None:
    """One start of the whole sandbox, as it takes seconds: ready, alone in its folder, back after a kill, ended."""
    url = said(running, r"ready:\s+(http://\S+)")[1]
    bot = int(said(running, r"Spotter is process (\d+)")[1])
    with People(url, patience=PATIENCE) as people:
        people["trainer"].types("/exports")
        people["trainer"].sees("6 labeling exports, newest first")

        second = refused(root)
        assert f"already running in {root}, at {url}" in second and "--root" in second
        assert "Port" in refused(root.parent / "other", port=int(url.rpartition(":")[2]))

        os.kill(bot, signal.SIGKILL)
        said(running, r"Spotter ended \(SIGKILL\); it starts again in 1 s")
        ask_until_answered(people)

    running.send_signal(signal.SIGINT)
    running.communicate(timeout=PATIENCE)
    assert running.returncode == 0
    with socket.socket() as page:
        assert page.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def ask_until_answered(people: People) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        people["trainer"].types("/exports")
        try:
            people["trainer"].sees("6 labeling exports, newest first", timeout=5)
        except AssertionError:
            continue
        return
    raise AssertionError("Spotter did not come back")


def test_a_taken_port_costs_no_file_and_its_hint_works(root: Path) -> None:
    (root / "state").mkdir(parents=True)
    (root / "state" / "spotter.db").write_text("of the last sandbox")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        told = refused(root, taken)
    hint = re.search(rf"Port {taken} cannot be used \(.+\).*ARGS='--port (\d+) --root {root}'", told)
    assert hint, told
    socket.create_server(("127.0.0.1", int(hint[1]))).close()
    assert (root / "state" / "spotter.db").read_text() == "of the last sandbox"


def test_a_bot_that_cannot_live_is_given_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.spotter.SOON", 600.0)  # on a crowded machine to die takes long
    spotter = Spotter({"PATH": os.environ["PATH"], "PORT": "1"}, tmp_path, pauses=(0.01, 0.02))
    with pytest.raises(click.ClickException, match=r"did not become ready(?s:.*)SLACK_BOT_TOKEN"):
        spotter.start(lambda: True)
    with pytest.raises(click.ClickException, match=r"ended 3 times(?s:.*)SLACK_BOT_TOKEN"):
        spotter.keep_alive()
    assert re.findall(r"code 1\); it starts again in (\S+) s", capsys.readouterr().out) == ["0.01", "0.02"]

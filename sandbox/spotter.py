"""Spotter's own processes in the sandbox: its command line, and the bot, which is started again whenever it dies."""

import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

STARTS_WITHIN = 60.0
ENDS_WITHIN = 8.0
SOON = 20.0
PAUSES = (1.0, 2.0, 4.0)

# A proxy of the person who starts the sandbox knows nothing of this machine's own ports.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Spotter:
    """Runs in `folder`, which also takes its log, with this environment and no other.

    `pauses` are the seconds before each new start of a bot that dies soon after its last one; then it is given up.
    """

    def __init__(
        self, environment: dict[str, str], folder: Path, *, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._pauses = pauses
        self._log = folder / "spotter.log"
        self._processes: list[subprocess.Popen[bytes]] = []

    def call(self, *arguments: str) -> bytes:
        """What a command of the command line prints. Raises ClickException where it fails."""
        process = self._run(arguments, subprocess.PIPE)
        printed, complaint = process.communicate()
        if process.returncode != 0:
            why = complaint.decode(errors="replace")[-2000:]
            raise click.ClickException(f"`spotter {' '.join(arguments)}` failed:\n{why}")
        return printed

    def write_command(self, file: Path) -> None:
        """Spotter's command line as one file, for people who want to call it in this environment."""
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._environment.items())
        spotter = f"{shlex.quote(sys.executable)} -m bot.cli"
        file.write_text(f'#!/bin/sh\nexec env -i TERM="$TERM" {variables} {spotter} "$@"\n', "utf-8")
        file.chmod(0o700)

    def start(self, has_looked: Callable[[], bool]) -> int:
        """The bot's process id, once it is ready and has looked around. Raises ClickException with its log's end."""
        bot = self._start()
        deadline = time.monotonic() + STARTS_WITHIN
        while bot.poll() is None and time.monotonic() < deadline:
            if self._is_ready() and has_looked():
                return bot.pid
            time.sleep(0.1)
        raise click.ClickException(f"Spotter did not become ready. {self._last_words()}")

    def keep_alive(self) -> NoReturn:
        """Starts the bot again whenever it ends. Raises ClickException when that does not help."""
        deaths = 0
        while True:
            started = time.monotonic()
            code = self._processes[-1].wait()
            deaths = deaths + 1 if time.monotonic() - started < SOON else 1
            if deaths > len(self._pauses):
                raise click.ClickException(
                    f"Spotter ended {deaths} times soon after its start. {self._last_words()}"
                )
            pause = self._pauses[deaths - 1]
            click.echo(f"  Spotter ended ({_why(code)}); it starts again in {pause:g} s.")
            time.sleep(pause)
            self._start()

    def end(self) -> None:
        """Ends all its processes, within seconds."""
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + ENDS_WITHIN
        for process in self._processes:
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return self._run(("run",), log.fileno())

    def _run(self, arguments: tuple[str, ...], output: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", *arguments],
            env=self._environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        self._processes.append(process)
        return process

    def _is_ready(self) -> bool:
        try:
            with _DIRECT.open(f"http://127.0.0.1:{self._environment['PORT']}/readyz", timeout=2):
                return True
        except OSError:
            return False

    def _last_words(self) -> str:
        return f"Its log {self._log} ends with:\n{self._log.read_text(errors='replace')[-2000:]}"


def _why(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"

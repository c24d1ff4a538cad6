"""Bots forked from a process that has imported the bot: as `python -m bot.cli run`, without its first second of CPU.

`python -m tests.stories.forks SOCKET` is that process. It has one thread, and no bot of its own.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

STARTS_WITHIN = 120.0
NUMBER = 4  # bytes


class Forked:
    """A bot's process, to be used like a `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = int.from_bytes(connection.recv(NUMBER))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("spotter run", timeout)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], timeout)[0]:
            self.returncode = int.from_bytes(self._connection.recv(NUMBER), signed=True)
            self._connection.close()
        return self.returncode


class Forks:
    """Starts the process that forks, and ends it with all its bots."""

    def __init__(self, folder: Path) -> None:
        self._address = folder / "forks"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stories.forks", str(self._address)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )

    def spotter(self, environment: dict[str, str], folder: Path, log: BinaryIO) -> Forked:
        """`spotter run` with this environment and no other, in this folder."""
        connection = self._connect()
        request = json.dumps({"environment": environment, "folder": str(folder)}).encode()
        socket.send_fds(connection, [len(request).to_bytes(NUMBER)], [log.fileno()])
        connection.sendall(request)
        return Forked(connection)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._address))
            except OSError:
                connection.close()
                assert self._process.poll() is None, "the process that forks bots has died"
                assert time.monotonic() < deadline, "the process that forks bots does not start"
                time.sleep(0.02)
            else:
                return connection


def serve(address: str) -> None:
    """Until the other end of stdin is closed."""
    import azure.identity  # noqa: F401  which a bot imports once it serves, as it does the next ones
    import psycopg  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401

    import bot.commandline.run  # noqa: F401
    import infra.http.signed  # noqa: F401
    from bot.cli import main

    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    bots: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([0, server.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _tell_ends(bots)
        if server.fileno() in ready:
            connection, _ = server.accept()
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for other in (server, *bots.values()):
                    other.close()
                _take(connection)
                main(["run"])
            connection.send(pid.to_bytes(NUMBER))
            bots[pid] = connection
        if 0 in ready:
            for pid in bots:
                os.kill(pid, signal.SIGKILL)
            return


def _tell_ends(bots: dict[int, socket.socket]) -> None:
    while bots:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        connection = bots.pop(pid)
        connection.send(os.waitstatus_to_exitcode(status).to_bytes(NUMBER, signed=True))
        connection.close()


def _take(connection: socket.socket) -> None:
    """The environment, folder and log of one bot."""
    size, (log,), _, _ = socket.recv_fds(connection, NUMBER, 1)
    request = json.loads(connection.recv(int.from_bytes(size), socket.MSG_WAITALL))
    connection.close()
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])


if __name__ == "__main__":
    serve(sys.argv[1])

"""Commands forked from a process that has imported them: as `python -m bot.cli …`, without its first second of CPU.

`python -m tests.forks SOCKET PID` is that process, one for all workers, which ends with process PID. It has one thread,
and does nothing itself.
"""

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from click import Context

from sandbox.trainer.ask import connect

ROOT = Path(__file__).parents[1]
STARTS_WITHIN = 120.0
ENDS_WITHIN = 120.0
NUMBER = 4  # bytes


class Forked:
    """A command's process, to be used like a `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = int.from_bytes(connection.recv(NUMBER))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("spotter", timeout)
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
    """Starts commands by a process that the first who needs it starts, and that ends, with all that it has forked, when
    the process `suite` does."""

    def __init__(self, folder: Path, suite: int) -> None:
        self._address = folder / "forks"
        self._suite = suite

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        folder: Path,
        out: BinaryIO,
        err: BinaryIO,
    ) -> Forked | subprocess.Popen[bytes]:
        """`spotter` with these arguments, with this environment and no other, in this folder."""
        if sys.platform != "linux":  # elsewhere what it imports does not go well with forks
            return subprocess.Popen(
                [sys.executable, "-m", "bot.cli", *arguments],
                env={"PYTHONPATH": str(ROOT), **environment},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        connection = self._connect()
        request = {"arguments": arguments, "environment": {**environment}, "folder": str(folder)}
        content = json.dumps(request).encode()
        socket.send_fds(connection, [len(content).to_bytes(NUMBER)], [out.fileno(), err.fileno()])
        connection.sendall(content)
        return Forked(connection)

    def run(
        self, *arguments: str, environment: Mapping[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """The same from its start to its end, which it must reach."""
        with TemporaryFile() as out, TemporaryFile() as err:
            code = self.start(*arguments, environment=environment, folder=folder, out=out, err=err).wait(
                ENDS_WITHIN
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(
                ["spotter", *arguments], code, out.read().decode(), err.read().decode()
            )

    def _connect(self) -> socket.socket:
        with self._address.with_suffix(".lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            return connect(self._address) or self._begin()

    def _begin(self) -> socket.socket:
        command = [sys.executable, "-m", "tests.forks", str(self._address), str(self._suite)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True)
        deadline = time.monotonic() + STARTS_WITHIN
        while (connection := connect(self._address)) is None:
            assert process.poll() is None, "the process that forks has died"
            assert time.monotonic() < deadline, "the process that forks does not start"
            time.sleep(0.02)
        return connection


def serve(address: str, suite: int) -> None:
    """Until that process has ended."""
    watched = os.pidfd_open(suite)
    import azure.identity  # noqa: F401  which a bot imports once it serves, as it does the next ones
    import psycopg  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401

    import bot.app
    import bot.commandline.provision_view  # noqa: F401
    import infra.http.signed  # noqa: F401
    from bot.cli import COMMANDS, main

    for command in COMMANDS:
        main.get_command(Context(main), command)
    gc.collect()
    gc.freeze()  # what is there for good is not looked through, and so not copied, by each that is forked

    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([watched, server.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _tell_ends(running)
        if server.fileno() in ready:
            connection, _ = server.accept()
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.close(watched)
                for other in (server, *running.values()):
                    other.close()
                main(_take(connection))
            with contextlib.suppress(OSError):  # who asked may be gone
                connection.send(pid.to_bytes(NUMBER))
            running[pid] = connection
        if watched in ready:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            return


def _tell_ends(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        connection = running.pop(pid)
        with contextlib.suppress(OSError):
            connection.send(os.waitstatus_to_exitcode(status).to_bytes(NUMBER, signed=True))
        connection.close()


def _take(connection: socket.socket) -> list[str]:
    """Takes on the environment, folder and streams that are asked for; the arguments."""
    size, streams, _, _ = socket.recv_fds(connection, NUMBER, 2)
    request = json.loads(connection.recv(int.from_bytes(size), socket.MSG_WAITALL))
    connection.close()
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    arguments: list[str] = request["arguments"]
    return arguments


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))

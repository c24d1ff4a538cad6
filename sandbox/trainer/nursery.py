"""`python -m sandbox.trainer.nursery SOCKET OWNER`: forks trials, so that not each of them has to import everything.

Serves `ask.py` until the process OWNER is gone. It is one thread and computes nothing itself, so that it can fork.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import NoReturn

from sandbox.trainer import trial

LOOK_AFTER = 1.0  # seconds between looks whether the owner is still there


def main(address: Path, owner: int) -> None:
    os.environ.update(trial.ONE_THREAD)  # before numpy and jax are imported, which read it once
    import sandbox.trainer.training  # noqa: F401  what every trial needs, and takes more than a second

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: it is `ask.py` that waits
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(address))
    server.listen()
    server.settimeout(LOOK_AFTER)
    while _lives(owner):
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        if os.fork() == 0:
            server.close()
            _be_a_trial(connection)
        connection.close()
    shutil.rmtree(address.parent, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _be_a_trial(connection: socket.socket) -> NoReturn:
    """In the fork. Tells the exit code, and ends at once where nobody wants it any more."""
    code = 1
    try:
        connection.setblocking(True)
        size, streams, _, _ = socket.recv_fds(connection, 8, 2)
        request = json.loads(_read(connection, int.from_bytes(size)))
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
            os.close(stream)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        _take_jax_settings()
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        code = trial.main(request["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            connection.send(bytes([code]))
        os._exit(code)


def _read(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size and (part := connection.recv(size - len(content))):
        content += part
    return content


def _take_jax_settings() -> None:
    """jax has read its variables before this trial's were there."""
    import jax

    jax.config.update("jax_compilation_cache_dir", os.environ.get("JAX_COMPILATION_CACHE_DIR"))  # type: ignore[no-untyped-call]


def _end_with(connection: socket.socket) -> None:
    """`ask.py` says nothing more until it ends."""
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

"""`python -IS ask.py OWNER ARGUMENTS…`: a trial in this folder, with this environment and these streams, as
`python -m sandbox.trainer.trial ARGUMENTS…` would run it, but forked by a nursery, which has imported everything.

The process OWNER has one nursery; the first to ask starts it. Ends as the trial does; SIGTERM ends the trial first.
"""

import fcntl
import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

SOURCES = Path(__file__).parents[2]
PATIENCE = 120.0


def main(owner: str, arguments: list[str]) -> int:
    """The trial's exit code; 1 where it was killed."""
    folder = Path(tempfile.gettempdir()) / f"spotter-nursery-{os.getuid()}-{owner}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = connect(folder / "socket") or _start(folder / "socket", owner)
    if connection is None:  # a trial on its own says best what is wrong
        os.execv(sys.executable, [sys.executable, "-m", "sandbox.trainer.trial", *arguments])  # noqa: S606
    signal.signal(signal.SIGTERM, lambda *_: connection.shutdown(socket.SHUT_WR))
    request = {"folder": str(Path.cwd()), "environment": dict(os.environ), "arguments": arguments}
    message = json.dumps(request).encode()
    socket.send_fds(connection, [len(message).to_bytes(8)], [sys.stdout.fileno(), sys.stderr.fileno()])
    connection.sendall(message)
    code = connection.recv(1)
    return code[0] if code else 1


def connect(address: Path) -> socket.socket | None:
    """None where nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        return None
    return connection


def _start(address: Path, owner: str) -> socket.socket | None:
    import subprocess

    address.unlink(missing_ok=True)
    nursery = subprocess.Popen(
        [sys.executable, "-m", "sandbox.trainer.nursery", str(address), owner],
        cwd=SOURCES,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and nursery.poll() is None:
        if connection := connect(address):
            return connection
        time.sleep(0.02)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

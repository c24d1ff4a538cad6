"""What one sandbox has to itself: a folder, and the port of its page."""

import fcntl
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

HERE = "127.0.0.1"
LISTENING = (20_000, 32_000)


class Claim:
    """A folder that no other sandbox has while this one runs."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock

    def tell(self, url: str) -> None:
        """Where whoever comes second finds the running sandbox."""
        self._lock.write_text(url)


@contextmanager
def claimed(root: Path) -> Iterator[Claim]:
    """Raises ClickException where a running sandbox has this folder; nothing else in it is touched."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            url = lock.read()
            raise click.ClickException(
                f"A sandbox is already running in {root}{f', at {url}' if url else ''}. "
                f"Use that one, stop it with Ctrl-C, or start another beside it: {_beside(root)}"
            ) from None
        lock.truncate(0)
        yield Claim(root / "lock")


def listening(port: int, root: Path) -> socket.socket:
    """A socket on that port of this machine, on any free one for 0. Raises ClickException."""
    try:
        return socket.create_server((HERE, port))
    except OSError as refused:
        raise click.ClickException(
            f"Port {port} cannot be used ({refused.strerror}). "
            f"Take a free one: make sandbox ARGS='--port {free_port()} --root {root}'"
        ) from refused


def free_port() -> int:
    """A port that nobody has, below those that systems hand out to outgoing connections: one of these could take it
    before it is used."""
    while True:
        port = random.randrange(*LISTENING)  # noqa: S311  no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HERE, port))
            return port


def _beside(root: Path) -> str:
    port = free_port()
    return f"make sandbox ARGS='--port {port} --root {root.with_name(f'{root.name}-{port}')}'"

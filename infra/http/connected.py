"""What is connected at its first call, once, whichever thread calls first."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    def close(self) -> None: ...


Made = TypeVar("Made", bound=Closable)


class Connected(Generic[Made]):
    """For the services outside: the bot starts without waiting for them, and a failure is the caller's."""

    def __init__(self, connect: Callable[[], Made]) -> None:
        self._connect = connect
        self._connecting = threading.Lock()
        self._connected: Made | None = None

    @property
    def connection(self) -> Made:
        """Raises what `connect` raises; the next call tries again."""
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()

"""Words that replicas call to each other through PostgreSQL. One that is lost is made up for by the next look."""

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import OperationalError

from storage.database import Store

CHANNEL = "spotter"


class Notices:
    """`call` may be used from any thread, the rest by one."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ears: Connection | None = None

    def call(self, word: str) -> None:
        """To every replica, this one too. Raises OperationalError."""
        with self._engine.connect() as connection:
            connection.execute(select(func.pg_notify(CHANNEL, word)))

    def heard(self, seconds: float) -> list[str]:
        """What was called since the last time; waits for it at most so long. Raises OperationalError."""
        if self._ears is None:
            self._ears = self._engine.connect()
            self._ears.execute(text(f"LISTEN {CHANNEL}"))
        driver = self._ears.connection.driver_connection
        assert driver is not None  # noqa: S101  connected above
        try:
            return [notice.payload for notice in driver.notifies(timeout=seconds, stop_after=1)]
        except self._engine.dialect.loaded_dbapi.Error as lost:
            raise OperationalError("LISTEN", None, lost) from lost

    def close(self) -> None:
        if self._ears is not None:
            self._ears.invalidate()  # a session that listens must not go back to be used by others
            self._ears.close()
            self._ears = None

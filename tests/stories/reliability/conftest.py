"""What a soak tells whoever waits for it, and which database it runs on."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from tests.postgresql import cluster

__all__ = ["cluster"]


@dataclass(frozen=True)
class Kept:
    """Settings and lines of the policy for a bot that keeps what it knows in this database."""

    settings: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Kept:
    """SQLite, or PostgreSQL where SPOTTER_STORE says so: there a killed bot leads again when its lease is over."""
    if os.environ.get("SPOTTER_STORE", "sqlite") == "sqlite":
        return Kept()
    database = request.getfixturevalue("cluster").new_database()
    return Kept({"DATABASE_URL": database}, {"[pace]": "[pace]\nlease_seconds = 2.0"})


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Callable[[object], None]:
    """Writes a line for people to read, whether the test passes or fails; workers of a suite have nobody to tell."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def write(line: object) -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.write_line(str(line))

    return write

"""Databases for tests of the store: a file of SQLite, or a database of PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import migrate
from storage.database import Store
from tests.postgresql import EMPTY, cluster

__all__ = ["cluster"]
KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A database without tables."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("cluster").new_database(EMPTY)
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A database with the newest tables."""
    if kind == "sqlite":
        store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
        migrate.upgrade(store)
    else:
        store = Store(request.getfixturevalue("cluster").new_database())
    yield store
    store.close()

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forks import Forks
from tests.setup.place import Place


@pytest.fixture
def place(tmp_path: Path, forks: Forks) -> Iterator[Place]:
    there = Place(tmp_path, forks)
    there.start()
    try:
        yield there
    finally:
        there.stop()

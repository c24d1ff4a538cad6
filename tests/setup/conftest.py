from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    there = Place(tmp_path)
    there.start()
    try:
        yield there
    finally:
        there.stop()

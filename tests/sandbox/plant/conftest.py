"""One stand for the tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.sandbox.plant.stand import Stand


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    running = Stand(tmp_path_factory.mktemp("plant"))
    running.start()
    yield running
    running.stop()

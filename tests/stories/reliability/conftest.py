"""What a soak tells whoever waits for it."""

from collections.abc import Callable

import pytest


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Callable[[object], None]:
    """Writes a line for people to read, whether the test passes or fails; workers of a suite have nobody to tell."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    def write(line: object) -> None:
        if reporter is not None:
            reporter.write_line(str(line))

    return write

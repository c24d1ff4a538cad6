"""One step's process: its lines as they come, and how it is stopped."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LONGEST_LINE = 1 << 20


class StepProcess:
    """Runs niced, in a process group of its own; each line of both streams goes to `hear`."""

    def __init__(
        self, process: asyncio.subprocess.Process, hear: Callable[[str], None], grace: float
    ) -> None:
        self._process = process
        self._grace = grace
        self._reader = asyncio.ensure_future(self._read(hear))

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        hear: Callable[[str], None],
        grace: float,
    ) -> "StepProcess":
        process = await asyncio.create_subprocess_exec(
            "nice",
            "-n",
            "10",
            *command,
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        return cls(process, hear, grace)

    async def _read(self, hear: Callable[[str], None]) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                hear(line.decode("utf-8", "replace").rstrip("\r"))
        if rest:
            hear(rest.decode("utf-8", "replace"))

    async def wait(self) -> int:
        """The exit code, once everything written has been heard."""
        code = await self._process.wait()
        await asyncio.wait([self._reader], timeout=2)
        return code

    async def stop(self) -> None:
        """Asks the whole group to end, then insists."""
        if self._process.returncode is None:
            self._signal(signal.SIGINT)
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), self._grace)
        self._signal(signal.SIGKILL)
        await self._process.wait()
        await asyncio.wait([self._reader], timeout=1)
        self._reader.cancel()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

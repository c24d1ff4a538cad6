"""One process of a job: its log, its end, and how it is stopped."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path


class JobProcess:
    """Runs niced, in a process group of its own, with both streams in one log file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, grace: float) -> None:
        self._process = process
        self._log = log
        self._grace = grace
        self._readers = [
            asyncio.ensure_future(self._copy(process.stdout)),
            asyncio.ensure_future(self._copy(process.stderr)),
        ]
        self.error_line: str | None = None
        self.last_line = ""

    @classmethod
    async def start(
        cls, command: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path, grace: float
    ) -> "JobProcess":
        log.parent.mkdir(parents=True, exist_ok=True)
        creating = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                "nice",
                "-n",
                "10",
                *command,
                cwd=cwd,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
            )
        )
        try:
            return cls(await asyncio.shield(creating), log, grace)
        except asyncio.CancelledError:  # it may run already: a half-made process must not be left behind
            await cls(await creating, log, grace).stop()
            raise

    async def _copy(self, stream: asyncio.StreamReader | None) -> None:
        if stream is None:
            return
        with self._log.open("ab", buffering=0) as log:
            rest = b""
            while chunk := await stream.read(65536):
                log.write(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                self._notice(lines)
            self._notice([rest])

    def _notice(self, lines: list[bytes]) -> None:
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self.last_line = text
            if text.startswith("ERROR: "):
                self.error_line = text.removeprefix("ERROR: ")

    async def wait(self) -> int:
        """The exit code, once everything written is in the log."""
        code = await self._process.wait()
        await asyncio.wait(self._readers, timeout=2)
        return code

    async def stop(self) -> None:
        """Asks the whole group to end, then insists."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), self._grace)
        self._signal(signal.SIGKILL)
        await self._process.wait()
        for reader in self._readers:
            reader.cancel()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

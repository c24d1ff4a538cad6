"""An image's command as a process, in a folder that stands for its container."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.claim import free_port

GRACE = 3.0
OUT_OF_MEMORY = 137
OF_THE_MACHINE = ("PATH", "HOME", "LANG", "TMPDIR")


class ModuleProcess:
    """Runs niced and in a group of its own, and listens at `port` of this machine."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @classmethod
    async def start(
        cls, root: Path, settings: Mapping[str, Any], environment: Mapping[str, str], log: Path
    ) -> "ModuleProcess":
        """`settings` are the image's; `root` has its files."""
        port = free_port()
        own = {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ}
        image = dict(entry.partition("=")[::2] for entry in settings.get("Env", []))
        image.pop("PATH", None)  # of a container that has a Python of its own
        given = {name: _inside(root, value) for name, value in {**image, **environment}.items()}
        command = [*settings.get("Entrypoint", []), *settings.get("Cmd", [])]
        if Path(command[0]).name.startswith("python"):
            command[0] = sys.executable
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *_dies_with_us(),
                "nice",
                "-n",
                "10",
                *command,
                cwd=root / settings.get("WorkingDir", "/").lstrip("/"),
                env={
                    **own,
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    **given,
                    "HOST": "127.0.0.1",
                    "PORT": str(port),
                },
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        return cls(process, port)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; a signal counts as 128 and its number, as a container's does."""
        code = self._process.returncode
        return 128 - code if code is not None and code < 0 else code

    def kill(self) -> None:
        """As the kernel does when memory has run out."""
        self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), GRACE)
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _dies_with_us() -> list[str]:
    """A module has no end of its own: without this it would outlive a sandbox that is killed. Linux only."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []


def _inside(root: Path, value: str) -> str:
    """A path of the container, where it lies on this machine."""
    place = root / value.lstrip("/")
    return str(place) if value.startswith("/") and place.exists() else value

"""The only way out of the sandbox: a CONNECT proxy that knows the hosts of its twins and refuses every other."""

import asyncio
import contextlib
from collections.abc import Iterator

from sandbox.azure.blob import HOST_SUFFIX


class Tunnel:
    """Carries `CONNECT <account>.blob.core.windows.net:443` to the blob twin's TLS port on this machine.

    `hosts` are further host names with the TLS ports of their twins.
    """

    def __init__(self, blob_port: int) -> None:
        self._blob_port = blob_port
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.hosts: dict[str, int] = {}
        self.port = 0
        self.refused: list[str] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for (
            writer
        ) in self._writers:  # whoever reads comes to an end; asyncio logs streams' tasks that are canceled
            writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        with (
            self._kept(writer),
            contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError),
        ):
            await self._carry(reader, writer)

    @contextlib.contextmanager
    def _kept(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, *_ = head.split(" ", 2)
        port = self._port_of(target) if method == "CONNECT" else None
        if port is None:
            self.refused.append(target)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        twin_reader, twin_writer = await asyncio.open_connection("127.0.0.1", port)
        with self._kept(twin_writer):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, twin_writer), _pump(twin_reader, writer))

    def _port_of(self, target: str) -> int | None:
        host, _, port = target.rpartition(":")
        if port != "443":
            return None
        return self._blob_port if host.endswith(HOST_SUFFIX) else self.hosts.get(host)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(65536):
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

"""A network link to a server on loopback that can go dead without a word, or be cut."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter, TaskGroup
from contextlib import suppress
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
DRIP_SECONDS = 0.02
RESET = struct.pack("ii", 1, 0)


class Link:
    """Forwards connections to a port; while frozen it accepts everything and passes nothing on.

    While it drips as well, the client gets a blank now and then, and nothing else.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.accepted = 0
        self.drips = False
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[StreamWriter] = set()

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._writers)

    def freeze(self) -> None:
        """Go dead: both sides still believe in each other."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Come back to life."""
        self._flowing.set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            connection: socket.socket = writer.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.thaw()
        self.cut()
        await self._server.wait_closed()

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self._target)
            async with TaskGroup() as tasks:
                dripping = tasks.create_task(self._drip(writer))
                async with TaskGroup() as pumps:
                    pumps.create_task(self._pump(reader, back))
                    pumps.create_task(self._pump(there, writer))
                dripping.cancel()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def _drip(self, writer: StreamWriter) -> None:
        while True:
            await asyncio.sleep(DRIP_SECONDS)
            if self.drips:
                writer.write(b" ")

"""A stand-in for the X-Ray daemon: takes datagrams, and sends them nowhere."""

import asyncio
import socket
from asyncio import DatagramProtocol, DatagramTransport
from collections.abc import Callable
from types import TracebackType
from typing import Self

_LAST = b"nothing was sent before this that was not taken"


class SimulatedDaemon:
    """Listens for datagrams on this machine, at a port of its own unless one is given."""

    def __init__(self, port: int = 0, *, hear: Callable[[bytes], None] | None = None) -> None:
        self.datagrams: list[bytes] = []
        self._port = port
        self._hear = hear
        self._transport: DatagramTransport | None = None
        self._emptied = asyncio.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        if self._transport is None:
            raise AssertionError("the daemon is entered before it is used")
        host, port = self._transport.get_extra_info("sockname")
        return str(host), int(port)

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Ear(self._take), local_addr=("127.0.0.1", self._port)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            self._transport.close()

    async def settled(self) -> None:
        """Wait until everything that was sent to it so far has been taken."""
        self._emptied.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(_LAST, self.address)
        await self._emptied.wait()

    def _take(self, datagram: bytes) -> None:
        if datagram == _LAST:
            self._emptied.set()
            return
        self.datagrams.append(datagram)
        if self._hear is not None:
            self._hear(datagram)


class _Ear(DatagramProtocol):
    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's
        self._take(data)

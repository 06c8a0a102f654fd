"""The real bot as a process of its own, started again when it ends, as a server would."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import aiohttp

WRONG_SETTINGS = 2
STOP_SECONDS = 12
RESTART_SECONDS = 1.0
ASK_SECONDS = 0.1

Say = Callable[[str], None]


class BotProcess:
    """`python -m bot` under these settings, while its `async with` lasts."""

    def __init__(self, settings: Mapping[str, str], *, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._stopping = False
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self._settings['PORT']}"

    @property
    def pid(self) -> int | None:
        """Its process ID."""
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Show what it says, and start it again when it ends; returns if that is no use."""
        while (process := self._process) is not None:
            await self._echo(process)
            code = await process.wait()
            if self._stopping:
                return
            self._say(f"the bot left with {code}")
            if code == WRONG_SETTINGS:
                return
            await asyncio.sleep(RESTART_SECONDS)
            await self._start()

    async def ready(self) -> None:
        """Wait until it says that every part of it is ready."""
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:  # noqa: PLR2004 - OK
                            return
                await asyncio.sleep(ASK_SECONDS)

    async def stop(self) -> int | None:
        """Ask it to stop for good, insist if it doesn't, and answer its exit code."""
        self._stopping = True
        process = self._process
        if process is None:
            return None
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

    async def _start(self) -> None:
        # In a group of its own, so that Ctrl-C reaches us alone and we stop it in good order.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            env=dict(self._settings),
            stderr=PIPE,
            start_new_session=True,
        )
        self._say(f"the bot runs as process {self._process.pid}")

    async def _echo(self, process: Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was asked for above
        async for line in process.stderr:
            self._say(f"  bot │ {line.decode(errors='replace').rstrip()}")


def free_port() -> int:
    """Answer a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

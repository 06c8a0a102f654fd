"""The real bot as a process of its own: what it says, what it answers, and how it leaves."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30
LONGEST_LINE = 2**20
_STARTED = re.compile(r"bot\.started .*port=(\d+)")


class Running:
    """A process that was started."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._said = asyncio.Event()

    @property
    def said(self) -> str:
        """Everything on its standard error so far."""
        return "\n".join(self.lines)

    async def listen(self) -> None:
        """Take down what it says, until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode().rstrip("\n"))
            self._said.set()

    async def says(self, wanted: Callable[[str], object]) -> str:
        """Wait for a line, and answer it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := [line for line in self.lines if wanted(line)]):
                self._said.clear()
                await self._said.wait()
        return found[0]

    async def url(self) -> str:
        """Wait until it listens, and answer where."""
        found = _STARTED.search(await self.says(_STARTED.search))
        assert found is not None
        return f"http://127.0.0.1:{found[1]}"

    async def ready(self) -> str:
        """Wait until all of it is ready, and answer its address."""
        url = await self.url()
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return url
                await asyncio.sleep(0.02)

    async def leaves(self) -> int:
        """Wait until it has left, and answer with what."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def started(environment: Mapping[str, str], *, at: Path = ROOT) -> AsyncIterator[Running]:
    """Start the bot, or the version of it that is there; it is killed if it is there at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", env={**environment}, cwd=at, stderr=PIPE, limit=LONGEST_LINE
    )
    running = Running(process)
    try:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(running.listen())
            yield running
            if process.returncode is None:
                process.kill()
            await listening
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()

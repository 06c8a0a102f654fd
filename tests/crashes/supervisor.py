"""The parent's side of a bot that may die at any moment: another one is there at once."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.crashes import child
from tests.crashes.child import Job

# What is imported before the bot is born need not be imported in each of its lives.
_PRELOADED = (
    child.__name__,
    "apscheduler.executors.asyncio",
    "slixmpp.features.feature_bind",
    "slixmpp.features.feature_mechanisms",
    "slixmpp.features.feature_preapproval",
    "slixmpp.features.feature_rosterver",
    "slixmpp.features.feature_session",
    "slixmpp.features.feature_starttls",
    "slixmpp.plugins.xep_0030",
    "slixmpp.plugins.xep_0199",
    "tzdata",
)

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([*_PRELOADED])


class Died(Exception):
    """The process ended before it had done what it was asked."""


class Life:
    """One process, from its birth to its end."""

    def __init__(self, job: Job) -> None:
        self._control, theirs = _forks.Pipe()
        self._process = _forks.Process(target=child.work, args=(job, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._asked: asyncio.Future[Any] | None = None
        self._loop.add_reader(self._process.sentinel, self._note_end)
        self._loop.add_reader(self._control.fileno(), self._hear)

    async def ask(self, word: str) -> Any:  # noqa: ANN401 # whatever was asked for
        """Ask for something, wait until it is done, and answer what came of it.

        Raises:
            Died: it isn't, and never will be.
        """
        self._asked = self._loop.create_future()
        try:
            self._control.send(word)
        except OSError as error:
            raise Died from error
        either: set[asyncio.Future[Any]] = {self._asked, self._ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._asked.done():
            raise Died
        return self._asked.result()

    @property
    def memory(self) -> int:
        """How much of the machine's memory it holds, in bytes."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended, though it may be asleep."""
        return not self._ended.done()

    async def ended(self) -> int:
        """Wait for the end, and answer the exit code."""
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process.pid is not None and self.is_alive:
            os.kill(self._process.pid, number)

    def _hear(self) -> None:
        try:
            answer = self._control.recv()
        except (EOFError, OSError):
            self._loop.remove_reader(self._control.fileno())
            return
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(answer)

    def _note_end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._loop.remove_reader(self._control.fileno())
        self._process.join()
        self._control.close()
        self._ended.set_result(self._process.exitcode or 0)


class Lives:
    """One bot's lives, one after another."""

    def __init__(self, job: Job) -> None:
        self.deaths = 0
        self._job = job
        self.life = Life(job)
        self._reborn = asyncio.Event()
        self._over = False

    async def run(self) -> None:
        """Let another one live whenever one has died, until it is over."""
        while True:
            code = await self.life.ended()
            if self._over:
                return
            assert code == -signal.SIGKILL, f"the bot left with {code}: see {self._job.log}"
            self.deaths += 1
            self._job = self._job.next_life
            self.life = Life(self._job)
            self._reborn.set()
            self._reborn = asyncio.Event()

    async def ask(self, word: str) -> bool:
        """Ask the living one for something; answer whether it lived to do it."""
        reborn = self._reborn
        try:
            await self.life.ask(word)
        except Died:
            await reborn.wait()
            return False
        return True

    async def settle(self) -> None:
        """Wait until everything that came to it has had its consequences, however often it dies."""
        while not await self.ask("settle"):
            pass

    def end(self) -> None:
        """Let it be over."""
        self._over = True
        self.life.kill()


@asynccontextmanager
async def living(job: Job) -> AsyncIterator[Lives]:
    """Keep the bot alive until the block ends."""
    lives = Lives(job)
    async with asyncio.TaskGroup() as group:
        group.create_task(lives.run())
        try:
            yield lives
        finally:
            lives.end()

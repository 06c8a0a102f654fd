"""The real bot as a process of its own, started again when it ends, as a server would."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

import aiohttp

WRONG_SETTINGS = 2
STOP_SECONDS = 12
RESTART_SECONDS = 1.0
ASK_SECONDS = 0.1
LONGEST_LINE = 2**20

# A shell that reads until our end of its pipe is closed, be it by our own violent end.
_LEASH = f"""
read -r _
kill -TERM "$0"
for _ in $(seq {STOP_SECONDS}); do
  sleep 1
  kill -0 "$0" 2>/dev/null || exit
done
kill -KILL "$0"
"""

Say = Callable[[str], None]


class BotProcess:
    """`python -m bot` under these settings.

    What it says is passed on to `say`; `on_ready` is called whenever all of it is ready anew.
    """

    def __init__(
        self, settings: Mapping[str, str], *, say: Say, on_ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._say = say
        self._on_ready = on_ready

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self._settings['PORT']}"

    async def run(self, told: asyncio.Event, hurry: asyncio.Event) -> bool:
        """Keep it running until told to stop; in a hurry it is not asked but killed.

        Answers whether it was told; otherwise the bot refuses to run at all.
        """
        while not told.is_set():
            code = await self._run_once(told, hurry)
            if told.is_set():
                break
            self._say(f"The bot {_farewell(code)}.")
            if code == WRONG_SETTINGS:
                return False
            await _either(told.wait(), asyncio.sleep(RESTART_SECONDS))
        return True

    async def _run_once(self, told: asyncio.Event, hurry: asyncio.Event) -> int:
        async with self._started() as process, asyncio.TaskGroup() as group:
            self._say(f"The bot runs as process {process.pid}.")
            greeting = group.create_task(self._greet())
            await _either(self._echoed(process), told.wait())
            greeting.cancel()
            if process.returncode is None:
                await self._stop(process, hurry)
            return await process.wait()

    async def _greet(self) -> None:
        await self._ready()
        self._on_ready()

    async def _ready(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == HTTPStatus.OK:
                            return
                await asyncio.sleep(ASK_SECONDS)

    async def _stop(self, process: Process, hurry: asyncio.Event) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await _either(self._echoed(process), hurry.wait())
        if process.returncode is None:
            self._say("The bot does not stop by itself, so it is killed.")
            process.kill()

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[Process]:
        # In a group of its own, so that Ctrl-C reaches us alone and we stop it in good order.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            env=dict(self._settings),
            stderr=PIPE,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        try:
            async with leashed(process.pid):
                yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _echoed(self, process: Process) -> None:
        """Pass on what the bot says, until it ends."""
        assert process.stderr is not None  # noqa: S101 - it was asked for above
        async for line in process.stderr:
            self._say(f"  bot │ {line.decode(errors='replace').rstrip()}")
        await process.wait()


@asynccontextmanager
async def leashed(pid: int) -> AsyncIterator[None]:
    """Make sure that the process doesn't outlive this one, however this one ends."""
    leash = await asyncio.create_subprocess_exec(
        "sh", "-c", _LEASH, str(pid), stdin=PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            leash.kill()
        await leash.wait()


async def _either(one: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> None:
    async with asyncio.TaskGroup() as group:
        both = {group.create_task(one), group.create_task(other)}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()


def _farewell(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"left with {code}"


def free_port() -> int:
    """Answer a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

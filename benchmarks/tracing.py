"""`make bench-tracing`: what tracing costs one command, switched off and on.

The same commands go through the real conversation, dispatcher and rules to a queue in a file, in a
process for each way of tracing. Counted is processor time, that of the thread which sends traces
included: how long a command takes is a matter of the disk and of Slack.
"""

import argparse
import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from io import StringIO
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from bot import exporters
from bot import log as logs
from bot.clock import SystemClock
from bot.conversation import Conversation
from bot.directory import Directory
from bot.dispatch import Dispatcher
from bot.events import Asker
from bot.rules import Rules
from bot.settings import TraceSettings
from bot.slack import Profile
from bot.variables import TraceExporter
from queue_store.sqlite import SqliteStore

WAYS: dict[str, TraceExporter | None] = {
    "no tracing at all": None,
    "TRACE_EXPORTER=none": "none",
    "TRACE_EXPORTER=xray": "xray",
}
COMMANDS = 1000
ROUNDS = 3
DRIVERS = tuple(f"U{number:03}" for number in range(10))


class Everybody:
    """A workspace in which people are called by their IDs."""

    async def profile(self, user: str) -> Profile:
        """Answer who somebody is."""
        return Profile(name=user, is_admin=False)


def main() -> int:
    """Measure each way in turns, and print the best of each."""
    options = _options()
    if options.way is not None:
        print(json.dumps(asyncio.run(_measured(WAYS[options.way]))))  # noqa: T201 - for the other process
        return 0
    best = {way: min(_in_a_process(way) for _ in range(ROUNDS)) for way in WAYS}
    without = best["no tracing at all"]
    for way, cost in best.items():
        sys.stdout.write(f"{way:24}{cost:8.0f} µs a command  {cost - without:+6.0f} µs\n")
    return 0


def _in_a_process(way: str) -> float:
    command = (sys.executable, "-m", "benchmarks.tracing", "--way", way)
    said = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 # our own
    return float(json.loads(said.stdout))


async def _measured(exporter: TraceExporter | None) -> float:
    """Answer the microseconds of processor time that one command takes."""
    with TemporaryDirectory() as folder, _listening() as daemon, ExitStack() as stack:
        stack.callback(logs.set_up("text", logging.INFO, StringIO()))
        store = await SqliteStore.open(Path(folder) / "queue.db", site="C0EVROOM")
        finish = _traced(exporter, daemon.getsockname())
        conversation, numbers = _conversation(store), count()
        await _say(conversation, islice(numbers, COMMANDS // 10))
        before = time.process_time()
        await _say(conversation, islice(numbers, COMMANDS))
        finish()
        took = time.process_time() - before
        await store.close()
    return 1e6 * took / COMMANDS


def _listening() -> socket.socket:
    """Take datagrams without reading them, which costs this process nothing."""
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("127.0.0.1", 0))
    return daemon


def _traced(exporter: TraceExporter | None, daemon: tuple[str, int]) -> Callable[[], None]:
    if exporter is None:
        return lambda: None
    settings = TraceSettings(exporter=exporter, daemon=daemon)
    return exporters.set_up(settings, version="0", out=StringIO(), beanstalk=Path("/nowhere"))


def _conversation(store: SqliteStore) -> Conversation:
    clock, zone = SystemClock(), ZoneInfo("America/Los_Angeles")
    rules = Rules(zone=zone)
    return Conversation(
        Dispatcher(store, clock=clock, rules=rules),
        Directory(Everybody(), admins=frozenset(), clock=clock),
        clock=clock,
        zone=zone,
        rules=rules,
    )


async def _say(conversation: Conversation, numbers: Iterable[int]) -> None:
    for number in numbers:
        asker = Asker(driver=DRIVERS[number // 2 % len(DRIVERS)])
        words = ("add", "remove")[number % 2]
        answer = await conversation.said(words, asker, via="/ev", key=f"trigger:{number}")
        if answer.message is None or answer.repeated:
            raise AssertionError(words)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracing", description=__doc__)
    parser.add_argument("--way", choices=WAYS, help="measure this way alone, in this process")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

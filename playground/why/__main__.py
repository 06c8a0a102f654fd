"""Let the three days pass, and write down what the bot logged, what is asked, and the answers."""

import argparse
import asyncio
import logging
import re
from datetime import UTC, datetime, time
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import log as logs
from bot.quiet import QuietTimes
from bot.rules import Rules
from playground.month.people import ZONE
from playground.why.clock import SimulatedClock, lines_by, trace_by
from playground.why.days import DAYS, Day
from playground.why.office import ROOM, Office
from playground.why.people import People
from queue_store.sqlite import SqliteStore

PORTS = ("EAST 1", "EAST 2", "EAST 3", "EAST 4")
DRIVERS = 18
OPEN = (time(7), time(18))
RULES = Rules(
    zone=ZONE, quiet=QuietTimes(zone=ZONE, hours=(time(20), time(6)), days=frozenset({5, 6}))
)

QUESTIONS = """# Why wasn't I called?

Each of the logs beside this page is one day of an office with four chargers, written by
`make why`: the bot is real, the people are not. Times in a log are UTC, and the office is in Los
Angeles, eight hours behind. Whoever asks is found by their ID:

    grep U0007 docs/why/day-1.log

Answer each question from its log alone; [answers.md](answers.md) has what we read there.
"""
ANSWERS = """# The answers

Spoilers for [questions.md](questions.md), with the lines of the logs that tell them.
"""


def main() -> None:
    """Do what the command line asks."""
    folder = _options().folder
    folder.mkdir(parents=True, exist_ok=True)
    questions, answers = [QUESTIONS], [ANSWERS]
    for day in DAYS:
        log = asyncio.run(lived(day))
        (folder / f"day-{day.number}.log").write_text(log, encoding="utf-8")
        title = f"## Day {day.number}\n\n"
        questions.append(f"{title}[day-{day.number}.log](day-{day.number}.log). {day.question}\n")
        lines = "\n".join(f"    {line}" for line in evidence(day, log))
        answers.append(f"{title}{day.answer}\n\n{lines}\n")
    (folder / "questions.md").write_text("\n".join(questions), encoding="utf-8")
    (folder / "answers.md").write_text("\n".join(answers), encoding="utf-8")


async def lived(day: Day) -> str:
    """Let a day pass, and answer its log."""
    out = StringIO()
    with TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "queue.db", site=ROOM)
        stop = logs.set_up("text", logging.INFO, out)
        try:
            await _live(day, store)
        finally:
            stop()
            await store.close()
    return out.getvalue()


async def _live(day: Day, store: SqliteStore) -> None:
    start, end = (datetime.combine(day.date, at, ZONE).astimezone(UTC) for at in OPEN)
    clock = SimulatedClock(start)
    trace_by(clock)
    with lines_by(clock):
        office = Office(store, clock, RULES, PORTS)
        people = People(office, day.date, drivers=DRIVERS, left_out=set(day.left_out))
        day.plant(people)
        await office.lives_until(end)


def evidence(day: Day, log: str) -> list[str]:
    """Answer the lines that tell the answer, in their order.

    Raises:
        LookupError: one of them is not there.
    """
    lines, found = iter(log.splitlines()), []
    for pattern in day.evidence:
        line = next((line for line in lines if re.search(pattern, line)), None)
        if line is None:
            raise LookupError(f"day {day.number} has no line like {pattern}")
        found.append(line)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.why", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/why"), help="where to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()

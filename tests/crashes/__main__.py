"""`make sweep`: ends the bot at every step of its day, and says what was lost by it."""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from playground.slack.options import SCOPES
from tests.crashes.day import DAY
from tests.crashes.keeping import opened
from tests.crashes.sweep import Death, Sweep
from tests.crashes.telling import Setting

HISTORY = {"channels:history", "im:history"}

COLUMNS: Mapping[str, Callable[[Sequence[Death]], int]] = {
    "times": lambda deaths: sum(death.happened for death in deaths),
    "not taken again": lambda deaths: sum(not death.happened for death in deaths),
    "as undisturbed": lambda deaths: sum(death.as_undisturbed for death in deaths),
    "lost": lambda deaths: sum(death.lost.total() for death in deaths),
    "doubled": lambda deaths: sum(death.doubled.total() for death in deaths),
    "unanswered": lambda deaths: sum(death.unanswered.total() for death in deaths),
}


def main() -> int:
    """Do what the command line asks, and answer whether anything was lost or said twice."""
    options = _options()
    began = perf_counter()
    with opened(options.store) as (keeping, _), TemporaryDirectory() as folder:
        scopes = SCOPES - HISTORY if options.without_history else SCOPES
        setting = Setting(keeping=keeping, scopes=scopes, socket_mode=options.socket_mode)
        deaths = asyncio.run(_deaths(setting, Path(folder), options))
    _say(_table(deaths))
    _say(f"in {perf_counter() - began:.0f} s")
    harmless = all(death.harmless for death in deaths)
    return int(not harmless or (COLUMNS["doubled"](deaths) > 0 and not options.without_history))


async def _deaths(setting: Setting, folder: Path, options: argparse.Namespace) -> list[Death]:
    chance = Random(options.seed)
    sweep = Sweep(setting, folder, chance=chance, every=options.every, twice=options.twice)
    deaths = []
    chapters = [each for each in DAY if options.chapter in (None, each.name)]
    async for death in sweep.deaths(chapters):
        deaths.append(death)
        if not death.harmless or death.doubled:
            _say(f"{death.chapter}, {death.victim}: {death.failed or death}")
    return deaths


def _table(deaths: Sequence[Death]) -> str:
    at: defaultdict[str, list[Death]] = defaultdict(list)
    for death in deaths:
        # What a decision was about is told where something is wrong with it.
        at[death.victim.step.partition(" with ")[0]].append(death)
    head = f"{'ended':44}" + "".join(f"{name:>{len(name) + 3}}" for name in COLUMNS)
    rows = [_row(step, at[step]) for step in sorted(at, key=_place)]
    return "\n".join((head, *rows, _row("in all", deaths)))


def _row(step: str, deaths: Sequence[Death]) -> str:
    figures = (f"{count(deaths):>{len(name) + 3}}" for name, count in COLUMNS.items())
    return f"{step:44}" + "".join(figures)


def _place(step: str) -> tuple[str, bool]:
    when, _, what = step.partition(" ")
    return what, when == "after"


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "dynamodb"), default="sqlite")
    parser.add_argument("--chapter", choices=[each.name for each in DAY], help="of the day")
    parser.add_argument("--every", type=int, default=1, help="end it at one step in so many")
    parser.add_argument("--twice", action="store_true", help="and again while it recovers")
    parser.add_argument(
        "--without-history", action="store_true", help="where the bot may not read it"
    )
    parser.add_argument("--socket-mode", action="store_true", help="instead of HTTP requests")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

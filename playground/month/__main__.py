"""Run the month with the bot and without, print both beside each other, and draw them."""

import argparse
from datetime import date
from pathlib import Path
from random import Random

from playground.month.first_come import first_come
from playground.month.people import Rates, visits
from playground.month.picture import picture
from playground.month.tally import Tally
from playground.month.with_bot import with_bot


def main() -> None:
    """Do what the command line asks."""
    options = _options()
    rates, random = Rates(), Random(options.seed)  # noqa: S311 - people, not secrets
    month = visits(date(2026, 3, 2), options.days, options.drivers, rates, random)
    ruled = with_bot(month, options.ports)
    unruled = first_come(month, options.ports, random)
    _say(_table(ruled, unruled))
    _say(f"{options.drivers} drivers, {options.ports} ports, {options.days} days; {rates}")
    if options.picture is not None:
        options.picture.write_text(picture(ruled, unruled), encoding="utf-8")
        _say(f"drawn in {options.picture}")


def _table(ruled: Tally, unruled: Tally) -> str:
    rows = [("", "with the bot", "first come"), *_rows(ruled, unruled)]
    return "\n".join(f"{name:40}{bot:>14}{none:>14}" for name, bot, none in rows)


def _rows(ruled: Tally, unruled: Tally) -> list[tuple[str, str, str]]:
    pairs = zip(ruled.rows(), unruled.rows(), strict=True)
    return [(name, with_it, without) for (name, with_it), (_, without) in pairs]


def _say(words: str) -> None:
    print(words)  # noqa: T201 - for a person at a terminal


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.month", description=__doc__)
    parser.add_argument("--drivers", type=int, default=35)
    parser.add_argument("--ports", type=int, default=8)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="an SVG file to draw into")
    return parser.parse_args()


if __name__ == "__main__":
    main()

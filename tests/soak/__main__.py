"""`make soak`: a month of an office in bad weather, and what was lost by it."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.crashes.keeping import opened
from tests.soak.month import Plan, Report, soaked

MEGABYTE = 2**20


def main() -> int:
    """Let the month pass, say how it was, and answer whether anything was lost or doubled."""
    options = _options()
    plan = Plan(
        days=options.days,
        drivers=options.drivers,
        seed=options.seed,
        faults=options.faults,
        kills=options.kills,
    )
    began = perf_counter()
    with opened(options.store) as (keeping, port), TemporaryDirectory() as folder:
        report = asyncio.run(soaked(plan, keeping, Path(folder), engine_port=port))
    lines = (*_lines(report), f"{options.days} days in {perf_counter() - began:.0f} s")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(report.ledger.lost or report.ledger.doubled))


def _lines(report: Report) -> Iterator[str]:
    for name, number in sorted(report.counts.items()):
        yield f"{name:32}{number:8,}"
    for name, number in sorted(report.faults.items()):
        yield f"fault: {name:25}{number:8,}"
    early, late = report.memory
    figures = {
        "killed": report.deaths,
        "said by itself": report.ledger.said,
        "of these, notifying somebody": report.mentions,
        "overtaken before it was said": report.ledger.overtaken,
        "set aside": report.ledger.refused,
        "lost": len(report.ledger.lost),
        "doubled": len(report.ledger.doubled),
        "MB held after the first day": early // MEGABYTE,
        "MB held in the end": late // MEGABYTE,
    }
    for name, number in figures.items():
        yield f"{name:32}{number:8,}"
    yield from (f"lost: {row}" for row in report.ledger.lost)
    yield from (f"doubled: {row}" for row in report.ledger.doubled)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--drivers", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=("sqlite", "dynamodb"), default="dynamodb")
    parser.add_argument("--faults", type=int, default=4, help="of a hundred looks at the clock")
    parser.add_argument("--kills", type=int, default=0, help="of a thousand looks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

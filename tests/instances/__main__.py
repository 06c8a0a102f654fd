"""`make instances`: very many lives of two instances, each of another seed."""

import argparse
import asyncio
import logging
import sys
from collections import Counter
from time import perf_counter

from tests.instances.life import lived

ACTS = 120


def main() -> int:
    """Live as often as the command line asks, and say what happened in all of the lives."""
    parser = argparse.ArgumentParser(prog="python -m tests.instances", description=__doc__)
    parser.add_argument("--lives", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="the first one's; each has the next")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began, happened = perf_counter(), Counter[str]()
    for seed in range(options.seed, options.seed + options.lives):
        try:
            happened += asyncio.run(lived(seed, acts=ACTS, trouble=(0.0, 0.1)[seed % 2]))
        except Exception:
            sys.stderr.write(f"It went wrong with --lives 1 --seed {seed}\n")
            raise
    figures = "\n".join(f"{name:20}{number:10,}" for name, number in sorted(happened.items()))
    sys.stdout.write(f"{figures}\nNothing was lost or doubled, in {perf_counter() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Remove one protection after the other in a copy of the tree, and print who noticed.

Leaves with 1 if a protection can be removed without a test that notices.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from queue import SimpleQueue

from tests.protections.catalogue import ROOT, Protection, protections

# What has to be at hand and belongs to no tree.
SHARED = (".venv", ".venvs", "node_modules")
LONGEST_SECONDS = 300
FAILED_TESTS = 1


class Outcome(Enum):
    """What became of a run of the tests without the protection."""

    CAUGHT = "yes"
    TIMED_OUT = "yes, by its time limit"
    UNNOTICED = "NO"
    BROKEN = "NO: the tests could not be run"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; answer 0 if every removal was noticed."""
    asked = _parser().parse_args(arguments)
    chosen = [each for each in protections() if asked.only in each.promise]
    with tempfile.TemporaryDirectory() as directory:
        outcomes = list(_outcomes(chosen, Path(directory), at_once=asked.at_once))
    caught = sum(outcome in {Outcome.CAUGHT, Outcome.TIMED_OUT} for outcome in outcomes)
    _say(f"{caught} of {len(outcomes)} removals were noticed")
    return 0 if caught == len(outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.protections", description=__doc__)
    parser.add_argument("--only", default="", help="those with these words in their promise")
    parser.add_argument("--at-once", type=int, default=2, help="how many copies are at work")
    return parser


def _outcomes(chosen: list[Protection], directory: Path, *, at_once: int) -> Iterator[Outcome]:
    trees: SimpleQueue[Path] = SimpleQueue()
    for number in range(at_once):
        trees.put(_copy(directory / str(number)))

    def tried(protection: Protection) -> Outcome:
        tree = trees.get()
        try:
            return _tried(protection, tree)
        finally:
            trees.put(tree)

    _say("| promise | removed in | noticed |\n|---|---|---|")
    with ThreadPoolExecutor(at_once) as threads:
        for protection, outcome in zip(chosen, threads.map(tried, chosen), strict=True):
            _say(f"| {protection.promise} | `{protection.file}` | {outcome.value} |")
            yield outcome


def _copy(tree: Path) -> Path:
    """Copy what git knows of, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 # whichever git is ours
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for name in SHARED:
        if (ROOT / name).exists() and not (tree / name).exists():
            (tree / name).symlink_to((ROOT / name).resolve())
    return tree


def _tried(protection: Protection, tree: Path) -> Outcome:
    file = tree / protection.file
    whole = file.read_text()
    file.write_text(protection.removed_from(whole))
    try:
        return _noticed(protection.tests, tree)
    finally:
        file.write_text(whole)


def _noticed(tests: tuple[str, ...], tree: Path) -> Outcome:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        run = subprocess.run(  # noqa: S603 # our own command
            command, cwd=tree, capture_output=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome.TIMED_OUT
    if run.returncode == FAILED_TESTS:
        return Outcome.CAUGHT
    return Outcome.BROKEN if run.returncode else Outcome.UNNOTICED


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 # a command speaks to whoever typed it


if __name__ == "__main__":
    sys.exit(main())

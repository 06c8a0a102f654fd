"""Remove one protection after the other in a copy of the tree, and print who noticed.

Leaves with 1 if a protection can be removed without a test that notices.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from queue import SimpleQueue

from msgspec import Struct

from tests.protections.catalogue import ROOT, Protection, protections

# What has to be at hand and belongs to no tree.
SHARED = (".venv", ".venvs", "node_modules")
LONGEST_SECONDS = 300
FAILED_TESTS = 1
FAILED = re.compile(r"^(?:FAILED|ERROR) tests/([^\s\[]+)", re.MULTILINE)

# The same examples each time: what is noticed today must be noticed tomorrow.
PYTEST = (
    *(sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
    "--hypothesis-seed=0",
)


class Outcome(Enum):
    """What became of a run of the tests without the protection."""

    CAUGHT = "yes"
    TIMED_OUT = "yes, by its time limit"
    UNNOTICED = "NO"
    BROKEN = "NO: the tests could not be run"
    OUTDATED = "NO: the patch applies no more"


class Verdict(Struct, frozen=True):
    """An outcome, and the test that noticed first, where one did."""

    outcome: Outcome
    by: str = ""

    @property
    def is_good(self) -> bool:
        return self.outcome in {Outcome.CAUGHT, Outcome.TIMED_OUT}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; answer 0 if every removal was noticed."""
    asked = _parser().parse_args(arguments)
    chosen = [each for each in protections() if asked.only in each.promise]
    with tempfile.TemporaryDirectory() as directory:
        verdicts = list(_verdicts(chosen, Path(directory), at_once=asked.at_once))
    noticed = sum(verdict.is_good for verdict in verdicts)
    _say(f"{noticed} of {len(verdicts)} removals were noticed")
    return 0 if noticed == len(verdicts) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.protections", description=__doc__)
    parser.add_argument("--only", default="", help="those with these words in their promise")
    parser.add_argument("--at-once", type=int, default=2, help="how many copies are at work")
    return parser


def _verdicts(chosen: list[Protection], directory: Path, *, at_once: int) -> Iterator[Verdict]:
    trees: SimpleQueue[Path] = SimpleQueue()
    for number in range(at_once):
        trees.put(_copy(directory / str(number)))

    def tried(protection: Protection) -> Verdict:
        tree = trees.get()
        try:
            return _tried(protection, tree)
        finally:
            trees.put(tree)

    _say("| promise | removed in | noticed by | |\n|---|---|---|---|")
    with ThreadPoolExecutor(at_once) as threads:
        for protection, verdict in zip(chosen, threads.map(tried, chosen), strict=True):
            seen = f"{verdict.by} | {verdict.outcome.value}"
            _say(f"| {protection.promise} | `{protection.file}` | {seen} |")
            yield verdict


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


def _tried(protection: Protection, tree: Path) -> Verdict:
    file = tree / protection.file
    whole = file.read_text()
    try:
        file.write_text(protection.removed_from(whole))
        return _noticed(protection.tests, tree)
    except ValueError:
        return Verdict(Outcome.OUTDATED)
    finally:
        file.write_text(whole)


def _noticed(tests: tuple[str, ...], tree: Path) -> Verdict:
    try:
        run = subprocess.run(  # noqa: S603 # our own command
            [*PYTEST, *tests], cwd=tree, capture_output=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Verdict(Outcome.TIMED_OUT)
    if run.returncode != FAILED_TESTS:
        return Verdict(Outcome.BROKEN if run.returncode else Outcome.UNNOTICED)
    failed = FAILED.search(run.stdout.decode(errors="replace"))
    return Verdict(Outcome.CAUGHT, failed[1]) if failed else Verdict(Outcome.TIMED_OUT)


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 # a command speaks to whoever typed it


if __name__ == "__main__":
    sys.exit(main())

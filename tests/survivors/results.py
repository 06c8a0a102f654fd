"""What became of each mutant, read from the files that mutmut leaves behind.

Beside each source that it mutated mutmut keeps a `.meta` file with the exit code of the tests for
each mutant. The source itself has every function once as it was and once for each of its mutants.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from difflib import ndiff
from enum import Enum
from pathlib import Path

from msgspec import Struct


class Outcome(Enum):
    """What the tests made of a mutant."""

    CAUGHT = "caught"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_TESTED = "not tested"


_OUTCOMES = {
    0: Outcome.SURVIVED,
    1: Outcome.CAUGHT,
    3: Outcome.CAUGHT,
    24: Outcome.TIMED_OUT,
    -24: Outcome.TIMED_OUT,
    36: Outcome.TIMED_OUT,
    152: Outcome.TIMED_OUT,
    255: Outcome.TIMED_OUT,
}


class Change(Struct, frozen=True, order=True):
    """A mutant as people know it, wherever it stands and whatever its number."""

    function: str
    was: str
    now: str


class Mutant(Struct, frozen=True):
    """One break of one function, and what became of it."""

    file: str
    name: str
    change: Change
    outcome: Outcome


def mutants(folder: Path) -> list[Mutant]:
    """Answer all mutants of a run, in the order of their files."""
    return [mutant for meta in sorted(folder.rglob("*.meta")) for mutant in _of(meta, folder)]


def refused(folder: Path, survivors: Iterable[Mutant]) -> set[Change]:
    """Answer which of these mutants the type checker refuses."""
    suspects = list(survivors)
    lines = _type_errors(folder, sorted({each.file for each in suspects}))
    spans = {file: _functions(folder / file) for file in {each.file for each in suspects}}
    return {
        each.change
        for each in suspects
        for node in (spans[each.file][each.name],)
        if any((each.file, line) in lines for line in range(node.lineno, _end(node) + 1))
    }


def _type_errors(folder: Path, files: list[str]) -> set[tuple[str, int]]:
    if not files:
        return set()
    # These are the project's own types and the mutants that mutmut made of them.
    checked = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "mypy", "--output", "json", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode not in {0, 1}:
        raise RuntimeError(f"mypy failed: {checked.stderr}")
    errors = map(json.loads, filter(str.strip, checked.stdout.splitlines()))
    return {(each["file"], each["line"]) for each in errors if each["severity"] == "error"}


def _of(meta: Path, folder: Path) -> Iterator[Mutant]:
    source = meta.with_suffix("")
    functions, lines = _functions(source), source.read_text(encoding="utf-8").splitlines()
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    for key, code in codes.items():
        module, _, name = key.rpartition(".")
        original = name.rpartition("__mutmut_")[0]
        before = _body(functions[f"{original}__mutmut_orig"], lines)
        was, now = _difference(before, _body(functions[name], lines))
        yield Mutant(
            file=str(source.relative_to(folder)),
            name=name,
            change=Change(f"{module}.{_readable(original)}", was, now),
            outcome=Outcome.NOT_TESTED if code is None else _outcome(code),
        )


def _outcome(code: int) -> Outcome:
    return _OUTCOMES.get(code, Outcome.NOT_TESTED)


def _functions(source: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _body(function: ast.FunctionDef, lines: list[str]) -> list[str]:
    """Answer the function's lines without its name, which mutmut changed."""
    return [line.strip() for line in lines[function.lineno : _end(function)]]


def _end(function: ast.FunctionDef) -> int:
    return function.end_lineno or function.lineno


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    lines = list(ndiff(before, after))
    gone = "\n".join(line[2:] for line in lines if line.startswith("- "))
    come = "\n".join(line[2:] for line in lines if line.startswith("+ "))
    return gone, come


def _readable(mangled: str) -> str:
    """Answer a function's name, or a method's behind that of its class, as they are written."""
    if mangled.startswith("xǁ"):
        return mangled.removeprefix("xǁ").replace("ǁ", ".")
    return mangled.removeprefix("x_")

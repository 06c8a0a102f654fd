"""The mutants that may survive, each with the reason, and whether a run kept to that."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.survivors.results import Change, Mutant, Outcome

LIST = Path(__file__).parent / "argued.toml"
LEAST = 90.0


class Survivor(Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that no test can or need catch, and why."""

    function: str
    was: str
    now: str
    why: str

    @property
    def change(self) -> Change:
        """Name the mutant."""
        return Change(self.function, self.was.strip(), self.now.strip())


class Verdict(Struct, frozen=True):
    """What a run came to: how to put it, and what must not stay so."""

    report: tuple[str, ...]
    faults: tuple[str, ...]


def argued(path: Path = LIST) -> list[Survivor]:
    """Answer the mutants that are listed."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return msgspec.convert(told.get("survivor", []), type=list[Survivor])


def judged(run: Iterable[Mutant], refused: set[Change], listed: Iterable[Survivor]) -> Verdict:
    """Hold the run against the list; what the type checker refuses needs no argument."""
    tried, known = list(run), {each.change for each in listed}
    survived = [each.change for each in tried if each.outcome is Outcome.SURVIVED]
    open_ones = sorted({change for change in survived if change not in refused | known})
    untested = [each.change for each in tried if each.outcome is Outcome.NOT_TESTED]
    stale = sorted(known - set(survived))
    score = _score(tried)
    faults = [f"no argument for {_shown(change)}" for change in open_ones]
    faults += [f"not tested: {_shown(change)}" for change in sorted(set(untested))]
    faults += [f"the tests catch {score:.1f} %, and {LEAST:.0f} % is the least"] * (score < LEAST)
    report = [*_summary(tried, survived, refused, known), *_stale(stale)]
    return Verdict(tuple(report), tuple(faults))


def _score(run: list[Mutant]) -> float:
    caught = sum(each.outcome in {Outcome.CAUGHT, Outcome.TIMED_OUT} for each in run)
    return 100 * caught / len(run) if run else 0.0


def _summary(
    run: list[Mutant], survived: list[Change], refused: set[Change], known: set[Change]
) -> Iterator[str]:
    outcomes = Counter(each.outcome for each in run)
    by_types = sum(change in refused for change in survived)
    by_argument = sum(change in known - refused for change in survived)
    yield (
        f"{len(run)} mutants: the tests catch {_score(run):.1f} % "
        f"({outcomes[Outcome.CAUGHT]}, and {outcomes[Outcome.TIMED_OUT]} by running for ever)."
    )
    yield (
        f"Of the {len(survived)} that survive, the type checker refuses {by_types}, and "
        f"{by_argument} are argued to be harmless in {LIST.name}."
    )


def _stale(changes: list[Change]) -> Iterator[str]:
    for change in changes:
        yield f"listed, but it does not survive: {_shown(change)}"


def _shown(change: Change) -> str:
    was, now = (part.replace("\n", " ⏎ ") for part in (change.was, change.now))
    return f"{change.function}\n    - {was}\n    + {now}"

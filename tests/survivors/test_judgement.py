"""Which survivors a run may have, and what is said of the others."""

from pathlib import Path

import msgspec
import pytest

from tests.survivors.judgement import LIST, Survivor, argued, judged
from tests.survivors.results import Change, Mutant, Outcome

HARMLESS = Change("bot.quiet.moment", "a", "b")
WRONG = Change("bot.quiet.moment", "a", "None")
LISTED = Survivor(function="bot.quiet.moment", was="a", now="b", why="It is the same.")


def run(*survivors: Change, caught: int = 20, untested: int = 0) -> list[Mutant]:
    """Answer a run with these survivors."""
    other = Change("bot.quiet.begun", "c", "d")
    outcomes = [Outcome.CAUGHT] * caught + [Outcome.NOT_TESTED] * untested
    others = [(other, outcome) for outcome in outcomes]
    told = [*((each, Outcome.SURVIVED) for each in survivors), *others]
    return [Mutant("bot/quiet.py", "x_1", change, outcome) for change, outcome in told]


def test_a_survivor_with_a_reason_is_no_fault() -> None:
    verdict = judged(run(HARMLESS), set(), [LISTED])

    assert verdict.faults == ()
    assert "21 mutants: the tests catch 95.2 %" in verdict.report[0]
    assert "1 are argued" in verdict.report[1]


def test_a_survivor_without_one_is() -> None:
    verdict = judged(run(HARMLESS, WRONG), set(), [LISTED])

    assert verdict.faults == ("no argument for bot.quiet.moment\n    - a\n    + None",)


def test_what_the_type_checker_refuses_needs_no_reason() -> None:
    verdict = judged(run(WRONG), {WRONG}, [])

    assert verdict.faults == ()
    assert "the type checker refuses 1" in verdict.report[1]


def test_a_reason_that_is_not_needed_any_more_is_told() -> None:
    verdict = judged(run(), set(), [LISTED])

    assert verdict.faults == ()
    assert verdict.report[-1] == (
        "listed, but it does not survive: bot.quiet.moment\n    - a\n    + b"
    )


def test_what_was_not_tested_is_a_fault() -> None:
    verdict = judged(run(untested=1), set(), [])

    assert verdict.faults == ("not tested: bot.quiet.begun\n    - c\n    + d",)


def test_fewer_than_nine_of_ten_caught_is_a_fault_whatever_the_reasons() -> None:
    assert judged(run(HARMLESS, caught=9), set(), [LISTED]).faults == ()
    assert judged(run(HARMLESS, caught=8), set(), [LISTED]).faults == (
        "the tests catch 88.9 %, and 90 % is the least",
    )
    assert judged([], set(), []).faults != ()


def test_each_reason_is_one_and_stands_once() -> None:
    listed = argued()

    assert len({each.change for each in listed}) == len(listed)
    assert all(each.why.endswith(".") for each in listed), LIST


def test_an_entry_that_says_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "argued.toml"
    path.write_text('[[survivor]]\nfunction = "f"\nwas = "a"\nnow = "b"\nbecause = "c"\n')

    with pytest.raises(msgspec.ValidationError):
        argued(path)

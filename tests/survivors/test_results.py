"""What mutmut left behind is read for what it is."""

import json
from pathlib import Path

import pytest

from tests.survivors.results import Change, Outcome, mutants, refused

SOURCE = '''\
from queue_store.site import Offer
def x_is_late__mutmut_orig(offer: Offer, least: int) -> bool:
    """Whether it is late."""
    accepted = offer.accepted
    return accepted and offer.number > least
def x_is_late__mutmut_1(offer: Offer, least: int) -> bool:
    """Whether it is late."""
    accepted = None
    return accepted and offer.number > least
def x_is_late__mutmut_2(offer: Offer, least: int) -> bool:
    """Whether it is late."""
    accepted = offer.accepted
    return accepted and offer.number >= least
class Queue:
    def xǁQueueǁlast__mutmut_orig(self) -> int:
        return 1
    def xǁQueueǁlast__mutmut_1(self) -> int:
        return 2
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Leave behind what mutmut does."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "late.py").write_text(SOURCE, encoding="utf-8")
    codes = {
        "bot.late.x_is_late__mutmut_1": 1,
        "bot.late.x_is_late__mutmut_2": 0,
        "bot.late.xǁQueueǁlast__mutmut_1": None,
    }
    meta = json.dumps({"exit_code_by_key": codes})
    (tmp_path / "bot" / "late.py.meta").write_text(meta, encoding="utf-8")
    return tmp_path


def test_a_mutant_is_known_by_its_function_and_by_what_changed(folder: Path) -> None:
    """Neither by a line nor by a number, which change with everything above it."""
    assert [(each.change, each.outcome) for each in mutants(folder)] == [
        (
            Change("bot.late.is_late", "accepted = offer.accepted", "accepted = None"),
            Outcome.CAUGHT,
        ),
        (
            Change(
                "bot.late.is_late",
                "return accepted and offer.number > least",
                "return accepted and offer.number >= least",
            ),
            Outcome.SURVIVED,
        ),
        (Change("bot.late.Queue.last", "return 1", "return 2"), Outcome.NOT_TESTED),
    ]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (-24, Outcome.TIMED_OUT),
        (255, Outcome.TIMED_OUT),
        (3, Outcome.CAUGHT),
        (33, Outcome.NOT_TESTED),
        (35, Outcome.NOT_TESTED),
        (-11, Outcome.NOT_TESTED),
    ],
)
def test_only_what_the_tests_saw_is_caught(folder: Path, code: int, outcome: Outcome) -> None:
    meta = folder / "bot" / "late.py.meta"
    codes = {"exit_code_by_key": {"bot.late.x_is_late__mutmut_1": code}}
    meta.write_text(json.dumps(codes), encoding="utf-8")

    assert [each.outcome for each in mutants(folder)] == [outcome]


def test_the_type_checker_refuses_what_has_the_wrong_type(folder: Path) -> None:
    root = Path(__file__).parents[2]
    (folder / "queue_store").symlink_to(root / "queue_store")
    (folder / "pyproject.toml").symlink_to(root / "pyproject.toml")
    (folder / "bot" / "__init__.py").touch()
    wrong, _, _ = run = mutants(folder)

    assert refused(folder, run) == {wrong.change}

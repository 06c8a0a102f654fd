"""Whoever is asked "why wasn't I called?" finds it in the log, on days that anybody can try."""

import subprocess
import sys
from pathlib import Path

import pytest

from playground.why.days import DAYS, Day

WHY = Path(__file__).parents[2] / "docs/why"


@pytest.mark.parametrize("day", DAYS, ids=lambda day: f"day {day.number}")
def test_the_one_who_asks_and_the_time_lead_to_the_answer(day: Day) -> None:
    """What an administrator has: whom it is about, and a log."""
    asker = day.question.partition(" ")[0]
    log = (WHY / f"day-{day.number}.log").read_text()
    answers = (WHY / "answers.md").read_text()

    evidence = [line.strip() for line in answers.splitlines() if line.strip() in log.splitlines()]

    assert f'joined="{asker} at ' in log
    assert any(asker in line for line in evidence)
    assert day.question in (WHY / "questions.md").read_text()
    assert day.answer in answers


def test_a_day_is_short_enough_to_read() -> None:
    for day in DAYS:
        assert len((WHY / f"day-{day.number}.log").read_text().splitlines()) < 300


def test_the_days_are_what_the_bot_logs_now(tmp_path: Path) -> None:
    """After a change of the rules or of the log's words, `make why` writes them anew."""
    command = (sys.executable, "-m", "playground.why", "--folder", str(tmp_path))

    subprocess.run(command, check=True)  # noqa: S603 # our own

    for written in sorted(tmp_path.iterdir()):
        assert written.read_text() == (WHY / written.name).read_text(), f"{written.name}: make why"

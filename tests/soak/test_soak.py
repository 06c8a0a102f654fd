"""A day at the office in bad weather loses nothing and says nothing twice: a bit of `make soak`."""

from pathlib import Path

from tests.crashes.keeping import SQLITE
from tests.soak.month import Plan, soaked

A_WORKING_DAY = 0.3


async def test_a_day_in_bad_weather_loses_nothing(tmp_path: Path) -> None:
    plan = Plan(days=A_WORKING_DAY, drivers=10, seed=3, faults=15, kills=20)

    report = await soaked(plan, SQLITE, tmp_path, engine_port=None)

    assert report.counts["plug-ins"] > 2
    assert sum(report.faults.values()) > 3
    assert report.ledger.said > 10
    assert (report.ledger.lost, report.ledger.doubled) == ((), ())

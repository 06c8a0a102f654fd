"""What holds for all tests."""

from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.tracing.gathering import Spans, gathered

# How long an example takes depends on what else the machine does; the suite has its own limit.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# For --hypothesis-profile=fuzz: as long as somebody cares to look.
settings.register_profile("fuzz", deadline=None, max_examples=5000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let those who installed everything insist on everything."""
    parser.addoption("--no-skips", action="store_true", help="count a skipped test as a failed one")
    parser.addoption(
        "--every-python", action="store_true", help="run the bundle on every Python that is here"
    )
    parser.addoption(
        "--rounds", type=int, default=1, help="replace every instance so many times (1)"
    )
    parser.addoption("--seed", type=int, default=1, help="what people do meanwhile (1)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skip a failure where nothing may be skipped."""
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        reason = call.excinfo.value if call.excinfo else "skipped"
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be here: {reason}"
    return report


@pytest.fixture
def spans() -> Iterator[Spans]:
    """Gather the spans of a test."""
    with gathered() as spans:
        yield spans

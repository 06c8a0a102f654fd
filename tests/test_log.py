"""Logs: one event, one line, with its facts and its trace, and never a secret."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import log
from bot.clock import SystemClock
from bot.log import facts
from bot.redaction import hiding
from bot.tracing import trace_reference, unit
from tests.tracing.setting import traced_to

offers = logging.getLogger("bot.offers")

SetUp = Callable[..., io.StringIO]


class Outcome(StrEnum):
    """A fact with a type of its own."""

    JOINED = "joined"


@pytest.fixture
def logging_to() -> Iterator[SetUp]:
    """Log for this test, in this form and from this level on."""
    stops = []

    def set_up(form: str = "text", level: int = logging.INFO, **options: object) -> io.StringIO:
        out = io.StringIO()
        stops.append(log.set_up(form, level, out, **options))  # type: ignore[arg-type] # as given
        return out

    yield set_up
    for stop in stops:
        stop()


def fail(message: str) -> None:
    """Fail as a part of somebody else's would."""
    raise ValueError(message)


def shown(out: io.StringIO) -> list[str]:
    """Answer what was logged, without the moments."""
    return [line.partition(" ")[2] for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_with_its_facts(logging_to: SetUp) -> None:
    """Whoever looks for an offer finds it by its name and its driver."""
    out = logging_to()

    offers.info("offer.made", extra=facts(driver="U0ADA", port="1:330001/1", number=7))

    assert shown(out) == ["INFO    bot.offers offer.made driver=U0ADA port=1:330001/1 number=7"]


def test_a_line_begins_with_its_moment_in_utc(logging_to: SetUp) -> None:
    """Lines of several machines are put in order by it."""
    out = logging_to()
    before = SystemClock().now()

    offers.info("offer.made")

    moment = datetime.fromisoformat(out.getvalue().split()[0])
    assert moment.tzinfo == UTC
    assert abs((moment - before).total_seconds()) < 5
    assert out.getvalue().split()[0].endswith("Z")


def test_an_object_is_one_line_with_its_facts(logging_to: SetUp) -> None:
    """Machines read logs too."""
    out = logging_to("json")

    offers.warning(
        "offer.ran_out", extra=facts(driver="U0ADA", miss=1, late=False, by=0.5, card=None)
    )

    said = json.loads(out.getvalue())
    assert datetime.fromisoformat(said.pop("at")).tzinfo == UTC
    assert said == {
        "level": "WARNING",
        "logger": "bot.offers",
        "event": "offer.ran_out",
        "facts": {"driver": "U0ADA", "miss": 1, "late": False, "by": 0.5, "card": None},
    }


def test_facts_of_other_types_are_shown_as_text(logging_to: SetUp) -> None:
    """An odd fact must not cost us the line."""
    out = logging_to("json")

    offers.info(
        "offer.made",
        extra=facts(
            outcome=Outcome.JOINED, until=datetime(2026, 11, 20, 12, tzinfo=UTC), by=float("nan")
        ),
    )

    assert json.loads(out.getvalue())["facts"] == {
        "outcome": "joined",
        "until": "2026-11-20 12:00:00+00:00",
        "by": "nan",
    }


def test_plain_extras_are_facts(logging_to: SetUp) -> None:
    """Packages that know nothing of this one log the standard way."""
    out = logging_to()

    logging.getLogger("chargepoint.listener").info("stream.connected", extra={"host": "127.0.0.1"})

    assert shown(out) == ["INFO    chargepoint.listener stream.connected host=127.0.0.1"]


def test_a_fact_may_have_any_name(logging_to: SetUp) -> None:
    """Logging's own names would raise where they are used as extras."""
    out = logging_to()

    offers.info("said", extra=facts(name="Ada Lovelace", args="", message='"hi" a=b'))

    assert shown(out) == [
        r'INFO    bot.offers said name="Ada Lovelace" args="" message="\"hi\" a=b"'
    ]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_within_a_unit_carries_its_trace(logging_to: SetUp, form: str) -> None:
    """The reference in a driver's error message leads here."""
    traced_to("none")
    out = logging_to(form)

    with unit("tick"):
        offers.info("offer.made", extra=facts(trace="forged"))
        reference = trace_reference()
    offers.info("offer.made")

    inside, outside = out.getvalue().splitlines()
    assert reference
    assert reference in inside
    assert reference not in outside


@pytest.mark.parametrize("form", ["text", "json"])
@given(text=st.text() | st.sampled_from(["\n2026-11-20 INFO bot forged", "a\r\n\u2028b\x1b[2J"]))
def test_nothing_from_outside_makes_a_line_of_its_own(form: str, text: str) -> None:
    """A driver's display name can't write in our log."""
    out = io.StringIO()
    stop = log.set_up("text" if form == "text" else "json", logging.INFO, out)

    offers.info(text, extra=facts(name=text))
    offers.info("said %s", text, extra={"facts": {text: text}})

    stop()
    assert len(out.getvalue().splitlines()) == 2


def test_a_traceback_cannot_pass_for_lines(logging_to: SetUp) -> None:
    """The message of an error comes from outside too."""
    out = logging_to()

    try:
        fail("odd\n2026-11-20T12:00:00.000Z INFO bot.offers forged")
    except ValueError:
        offers.exception("event.failed", extra=facts(event="plug-out"))

    first, *below = out.getvalue().splitlines()
    assert first.endswith("ERROR   bot.offers event.failed event=plug-out")
    assert below[0] == "    | Traceback (most recent call last):"
    assert all(line.startswith("    | ") for line in below)
    assert below[-1].endswith("forged")


def test_a_traceback_is_part_of_its_object(logging_to: SetUp) -> None:
    """One object per line, errors included."""
    out = logging_to("json")

    try:
        fail("odd")
    except ValueError:
        offers.exception("event.failed")

    assert json.loads(out.getvalue())["failure"].endswith("ValueError: odd")


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_logged(logging_to: SetUp, form: str) -> None:
    """Logs are pasted into tickets."""
    out = logging_to(form, redact=hiding(["sesame street"]))

    try:
        fail("sesame street and xoxb-1-aBcD")
    except ValueError:
        offers.exception(
            "posting to https://hooks.slack.com/aBcD as %s",
            "sesame street",
            extra=facts(token="aBcD", note="Bearer aBcD1234", password=98765.25),
        )

    assert "aBcD" not in out.getvalue()
    assert "sesame" not in out.getvalue()
    assert "98765" not in out.getvalue()


OTHERS = ["slack_sdk", "slack_bolt.App", "zeep.transports", "slixmpp.xmlstream", "aiohttp.client"]


@pytest.mark.parametrize("name", [*OTHERS, "apscheduler.scheduler", "asyncio", "some.library"])
@pytest.mark.parametrize("insists", [False, True])
def test_other_peoples_debug_lines_never_appear(
    logging_to: SetUp, name: str, *, insists: bool
) -> None:
    """They print whole requests, with tokens and passwords."""
    library = logging.getLogger(name)
    before = library.level
    out = logging_to(level=logging.DEBUG)
    if insists:
        library.setLevel(logging.DEBUG)

    library.debug("sending aBcD")

    library.setLevel(before)
    assert out.getvalue() == ""


@pytest.mark.parametrize("name", OTHERS)
def test_other_peoples_debug_lines_are_not_even_made(logging_to: SetUp, name: str) -> None:
    """Printing a whole request takes time, whether or not it is shown."""
    logging_to(level=logging.DEBUG)

    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("name", OTHERS)
def test_other_peoples_warnings_appear(logging_to: SetUp, name: str) -> None:
    """They are often the first to know."""
    out = logging_to()

    logging.getLogger(name).warning("connection lost")

    assert shown(out) == [f"WARNING {name} connection lost"]


def test_ticks_are_not_news(logging_to: SetUp) -> None:
    """A scheduler that reports every tick hides what happened."""
    out = logging_to(level=logging.DEBUG)

    logging.getLogger("apscheduler.executors.default").info("ran")
    logging.getLogger("aiohttp.access").info("GET /healthz")

    assert out.getvalue() == ""


def test_our_own_level_is_what_was_asked_for(logging_to: SetUp) -> None:
    """Debugging us needs no debugging of others."""
    out = logging_to(level=logging.DEBUG)

    for name in ("bot.relay", "chargepoint.listener", "queue_store.sqlite", "playground.page"):
        logging.getLogger(name).debug("looked")

    assert len(shown(out)) == 4


def test_below_the_level_nothing_is_shown(logging_to: SetUp) -> None:
    """A quiet log is a readable one."""
    out = logging_to(level=logging.ERROR)

    offers.warning("offer.ran_out")
    logging.getLogger("slixmpp").warning("connection lost")

    assert out.getvalue() == ""


def test_stopping_leaves_everything_as_it_was() -> None:
    """Tests and simulations set up more than once in a process."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:], offers.getEffectiveLevel())

    log.set_up("text", logging.DEBUG, io.StringIO())()

    assert (root.level, root.handlers[:], offers.getEffectiveLevel()) == before

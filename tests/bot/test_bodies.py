"""The outbox is read by older and newer versions, whether or not they know of origins."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bodies import effect_in, origin_of, written
from bot.effects import CallDriver, Effect, TellMissed
from bot.opaque import opaque, without_names
from tests.story import ADA, NINE

CALL = CallDriver(offer=1, driver=ADA, port="EAST")
MISSED = TellMissed(driver=ADA, port="EAST", resumes=NINE)
ORIGIN = "00-6b02c0e2793e27854675029aee3166d7-00000000000000a1-01"


@pytest.mark.parametrize("effect", [CALL, MISSED])
@pytest.mark.parametrize("origin", [ORIGIN, None])
def test_what_was_written_is_read(effect: Effect, origin: str | None) -> None:
    body = written(effect, origin=origin)

    assert effect_in(body) == effect
    assert origin_of(body) == origin


def test_an_older_version_reads_what_a_newer_one_wrote() -> None:
    """In a rolling deploy both have a hand in one outbox."""
    assert msgspec.json.decode(written(CALL, origin=ORIGIN), type=Effect) == CALL


def test_a_newer_version_reads_what_an_older_one_wrote() -> None:
    body = msgspec.json.encode(CALL)

    assert (effect_in(body), origin_of(body)) == (CALL, None)


def test_no_effect_has_a_field_of_that_name() -> None:
    fields = {name for kind in Effect.__args__ for name in kind.__struct_fields__}

    assert "origin" not in fields


@given(st.binary())
def test_a_damaged_body_has_no_origin(body: bytes) -> None:
    """It is for whoever reads the effect to complain of it."""
    assert origin_of(body) is None


def test_an_opaque_id_is_the_same_for_one_driver_at_one_site() -> None:
    assert opaque("C0EVROOM", ADA) == opaque("C0EVROOM", ADA)
    assert len({opaque(site, driver) for site in "AB" for driver in "CD"}) == 4


def test_drivers_are_opaque_where_they_are_named() -> None:
    shown = without_names({"by": ADA, "driver": "U0GRACE", "port": "EAST"}, site="C0EVROOM")

    assert shown == {
        "by": opaque("C0EVROOM", ADA),
        "driver": opaque("C0EVROOM", "U0GRACE"),
        "port": "EAST",
    }

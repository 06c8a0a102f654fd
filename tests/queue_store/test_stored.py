"""The stored form of a site: readable back, and refused in plain words where it is not."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_store.errors import Unreadable
from queue_store.site import SCHEMA, Site
from queue_store.stored import decoded, encoded
from tests.strategies import sites

# A day in the middle: cars, a frozen call, a claim, a dispute, misses and a paused port.
EARLIER = Path(__file__).parents[1] / "fixtures" / "site.json"


@given(site=sites("garage"))
def test_any_site_is_read_as_it_was_written(site: Site) -> None:
    """Stores differ in how they keep these bytes, not in what the bytes say."""
    assert decoded(encoded(site), site="garage") == site


def test_the_form_says_its_version() -> None:
    """A later version has to know what it reads."""
    assert msgspec.json.decode(encoded(Site(id="garage")))["schema"] == SCHEMA


def test_what_an_earlier_version_stored_is_read_and_nothing_of_it_is_lost() -> None:
    """Nobody loses a turn to an upgrade: what is new since then has a default."""
    body = EARLIER.read_bytes()

    again = msgspec.json.decode(encoded(decoded(body, site="office")))

    assert missing(msgspec.json.decode(body), again) == []


def missing(before: Any, after: Any) -> list[Any]:  # noqa: ANN401 - JSON is of any type
    """Answer what of the one is not in the other."""
    if isinstance(before, dict):
        return [lost for key in before for lost in missing(before[key], after.get(key))]
    if isinstance(before, list) and len(before) == len(after):
        return [lost for pair in zip(before, after, strict=True) for lost in missing(*pair)]
    return [] if before == after else [before]


@given(body=st.binary(max_size=60) | sites("garage").map(encoded).map(lambda body: body[:-9]))
def test_damage_is_refused_in_plain_words(body: bytes) -> None:
    """Whatever a failing disk makes of the bytes, the log says what is wrong."""
    with pytest.raises(Unreadable, match="garage"):
        decoded(body, site="garage")


@given(site=sites("garage"), place=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_changed_byte_never_raises_anything_else(site: Site, place: int, byte: int) -> None:
    """One flipped byte may still be a site; it is never a crash."""
    body = bytearray(encoded(site))
    body[place % len(body)] = byte

    with suppress(Unreadable):
        decoded(bytes(body), site="garage")


def test_a_form_nested_without_end_is_refused() -> None:
    """The reader's own limits are no reason to crash."""
    with pytest.raises(Unreadable):
        decoded(b'{"x":' + b"[" * 100_000, site="garage")


def test_a_newer_form_is_refused_even_where_it_could_be_read() -> None:
    """What a newer version meant by the same words is not ours to guess."""
    newer = encoded(Site(id="garage", schema=SCHEMA + 1))

    with pytest.raises(Unreadable, match="newer version"):
        decoded(newer, site="garage")


def test_another_sites_form_is_refused() -> None:
    """A restored backup of the wrong garage would call the wrong people."""
    with pytest.raises(Unreadable, match="'roof'"):
        decoded(encoded(Site(id="roof")), site="garage")

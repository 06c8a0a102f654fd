"""The stored form of a site: readable back, and refused in plain words where it is not."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_store import upgrades
from queue_store.errors import Unreadable
from queue_store.site import SCHEMA, Entry, Site
from queue_store.stored import WRITTEN, decoded, encoded
from queue_store.upgrades import Json, Step
from tests.queue_store.decisions import NOON
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


# A version that is older than any: people were named otherwise in it, and a queue was one word.
OLDER = SCHEMA - 1


def forth(stored: Json) -> Json:
    waiting = [{"driver": each, "joined": stored["at"]} for each in stored["line"].split()]
    return {"id": stored["name"], "schema": stored["schema"], "queue": waiting}


def back(made: Json) -> Json:
    line = " ".join(each["driver"] for each in made["queue"])
    return {"name": made["id"], "line": line, "at": made["queue"][0]["joined"], "schema": 0}


STEPS = {OLDER: Step(forth=forth, back=back)}
OLD = b'{"schema":%d,"name":"garage","line":"U0ADA U0GRACE","at":"2099-11-20T12:00:00Z"}' % OLDER
NEW = Site(
    id="garage", queue=tuple(Entry(driver=each, joined=NOON) for each in ("U0ADA", "U0GRACE"))
)


def test_an_older_form_is_read() -> None:
    """Whoever waited before the update waits after it."""
    assert decoded(OLD, site="garage", steps=STEPS) == NEW


def test_from_however_long_ago_one_step_follows_the_other() -> None:
    """A pilot that was forgotten for two years starts as if nothing had been."""
    before = Step(forth=lambda stored: {**stored, "line": stored["line"].upper()})
    older = OLD.replace(b'"schema":%d' % OLDER, b'"schema":%d' % (OLDER - 1)).lower()

    found = decoded(older, site="garage", steps={**STEPS, OLDER - 1: before})

    assert found == NEW


def test_what_the_version_before_has_to_read_is_written_in_its_form() -> None:
    """In a rolling deployment both versions are at work on one queue."""
    written = encoded(NEW, schema=OLDER, steps=STEPS)

    assert msgspec.json.decode(written) == msgspec.json.decode(OLD)
    assert decoded(written, site="garage", steps=STEPS) == NEW


@pytest.mark.parametrize("schema", [OLDER - 1, -7])
def test_a_form_from_which_no_step_leads_is_refused(schema: int) -> None:
    older = OLD.replace(b'"schema":%d' % OLDER, b'"schema":%d' % schema)

    with pytest.raises(Unreadable, match=f"no step leads from schema {schema}"):
        decoded(older, site="garage", steps=STEPS)


@pytest.mark.parametrize("broken", [b'{"schema":%d}' % OLDER, OLD.replace(b"U0ADA ", b"")[:-30]])
def test_an_older_form_that_is_damaged_is_refused_like_any_other(broken: bytes) -> None:
    """A step takes for granted what it reads, and what it reads may be anything."""
    with pytest.raises(Unreadable, match="garage"):
        decoded(broken, site="garage", steps=STEPS)


def test_a_step_leads_from_each_schema_that_there_ever_was() -> None:
    """Each was released, and may be what somebody has."""
    assert set(upgrades.STEPS) == set(range(1, SCHEMA))


def test_what_is_written_is_what_this_version_or_the_one_before_reads() -> None:
    assert WRITTEN in {SCHEMA, SCHEMA - 1}
    assert encoded(NEW) == encoded(NEW, schema=WRITTEN)

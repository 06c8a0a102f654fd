"""Nobody loses anything by an update: what any version stored is read by this one, all of it.

Two versions may also be at work at once, while a deployment replaces one by the other.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from bot.effects import Effect
from bot.replies import Reply
from queue_store import items, lease_items, records
from queue_store.site import SCHEMA
from queue_store.stored import decoded
from tests.stored.examples import HERE, as_item, kept, made

SCHEMAS = range(1, SCHEMA + 1)
Json = Any


def site(line: str) -> object:
    return decoded(line.encode(), site="garage")


def effect(line: str) -> object:
    return msgspec.json.decode(line, type=Effect)


def reply(line: str) -> object:
    return msgspec.json.decode(line, type=Reply)


def record(line: str) -> object:
    (read,) = records.read([line.encode()])
    return read


READ: Mapping[str, Callable[[str], object]] = {
    "site": site,
    "effects": effect,
    "replies": reply,
    "records": record,
}


def examples(*kinds: str) -> list[Any]:
    """Answer every example of these kinds, of whatever version, each as a test of its own."""
    return [
        pytest.param(kind, line, id=f"{kind} {schema}.{number}")
        for kind in kinds
        for schema in SCHEMAS
        for number, line in enumerate(kept(kind, schema), 1)
    ]


@pytest.mark.parametrize(("kind", "line"), examples(*READ))
def test_what_any_version_stored_is_read(kind: str, line: str) -> None:
    READ[kind](line)


@pytest.mark.parametrize(("kind", "line"), examples("effects", "replies", "records"))
def test_nothing_that_was_stored_is_forgotten(kind: str, line: str) -> None:
    """A field that was given another name would be read as if it had never been set."""
    assert missing(json.loads(line), written(READ[kind](line))) == []


@pytest.mark.parametrize("line", kept("site"))
def test_nothing_of_a_site_is_forgotten(line: str) -> None:
    """For an older schema it is the steps that say what becomes of it."""
    assert missing(json.loads(line), written(site(line))) == []


def written(read: object) -> Json:
    """Answer how this version would store what it read."""
    return json.loads(msgspec.json.encode(read))


def missing(stored: Json, read: Json, at: str = "") -> list[str]:
    """Name what was stored and is not there any more."""
    match stored, read:
        case dict(), dict():
            gone = [f"{at}.{name}" for name in stored if name not in read]
            pairs = [(f"{at}.{name}", stored[name], read[name]) for name in stored if name in read]
        case list(), list() if len(stored) == len(read):
            gone, pairs = [], [(at, *pair) for pair in zip(stored, read, strict=True)]
        case _:
            return [] if stored == read else [at]
    return gone + [each for where, one, other in pairs for each in missing(one, other, where)]


@pytest.mark.parametrize(("kind", "line"), examples("items"))
def test_what_any_version_kept_in_dynamodb_is_read(kind: str, line: str) -> None:
    """While versions come and go, one reads what the other wrote a moment ago."""
    item = as_item(json.loads(line))

    if item["sk"]["S"] == lease_items.LEASE:
        beat = lease_items.read_heartbeat(item)
        assert beat is not None
        assert (beat.owner, beat.id, beat.term, beat.released) == ("one", "two", 3, True)
    elif item["sk"]["S"] == lease_items.FENCE:
        assert lease_items.read_fence(item) == 3
    else:
        found = items.records(item)
        assert {each.site for each in found} == {item["pk"]["S"].removeprefix("SITE#")}, kind


def test_every_version_has_examples() -> None:
    found = {path.name for path in HERE.glob("schema-*")}

    assert found == {f"schema-{schema}" for schema in SCHEMAS}


@pytest.mark.parametrize("kind", made())
def test_there_is_an_example_of_everything_that_this_version_stores(kind: str) -> None:
    """A kind of thing, a field, or a word that is new; the old examples stay as they are."""
    lacking = [line for line in made()[kind] if line not in kept(kind)]

    assert not lacking, "python -m tests.stored adds them"

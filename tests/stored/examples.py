"""Examples of everything that is stored, with something in every field, and where they are kept.

Made of the types themselves, so that no kind of thing, no field and no word of an enumeration is
forgotten. A version's examples are only ever added to.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from bot.effects import Effect
from bot.replies import Reply
from queue_store import items, lease_items, records
from queue_store.lease import Heartbeat
from queue_store.notation import Found
from queue_store.records import Record
from queue_store.site import SCHEMA, Site
from queue_store.store import Commit
from queue_store.stored import encoded

HERE = Path(__file__).parent
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

_PLAIN: dict[Any, Any] = {
    bool: True,
    datetime: NOON,
    date: NOON.date(),
    timedelta: timedelta(minutes=45),
    bytes: b"\x00 and \xff",
    msgspec.Raw: msgspec.Raw(encoded(Site(id="text 0"))),
}


def made() -> dict[str, list[str]]:
    """Answer the examples of this version as lines, by the name of the file they belong in."""
    kept = [*_each(Record)]
    return {
        "site": [_line(site) for site in _variants(Site)],
        "effects": [_line(effect) for effect in _each(Effect)],
        "replies": [_line(reply) for reply in _each(Reply)],
        "records": [line.decode().strip() for line in records.written(kept)],
        "items": [json.dumps(as_json(item)) for item in (*map(items.kept, kept), *_others())],
    }


def file_of(kind: str, schema: int = SCHEMA) -> Path:
    """Answer where the examples of a kind are kept."""
    return HERE / f"schema-{schema}" / f"{kind}.jsonl"


def kept(kind: str, schema: int = SCHEMA) -> list[str]:
    """Answer the examples of a kind that are kept."""
    file = file_of(kind, schema)
    return file.read_text().splitlines() if file.exists() else []


def as_json(item: Mapping[str, Any]) -> dict[str, Any]:
    """Write an item of DynamoDB's as JSON, bytes as DynamoDB itself does."""
    return {
        name: _typed(value, lambda raw: base64.b64encode(raw).decode())
        for name, value in item.items()
    }


def as_item(written: Mapping[str, Any]) -> dict[str, Any]:
    """Read it back."""
    return {name: _typed(value, base64.b64decode) for name, value in written.items()}


def _others() -> list[Found]:
    """Answer the items that no record is made of: signs of life, and much to say in one piece."""
    beat = Heartbeat(owner="one", id="two", term=3, released=True)
    many = Commit(site=Site(id="garage"), seen=0, now=NOON, bodies=(b"one of many",) * 51)
    written = [*lease_items.following("garage", None, beat), *items.transaction(many, name="three")]
    return [write.terms["Item"] for write in written if write.verb == "Put"]


def _typed(typed: Mapping[str, Any], of_bytes: Any) -> dict[str, Any]:  # noqa: ANN401 # either way
    ((kind, value),) = typed.items()
    if kind == "L":
        return {"L": [_typed(each, of_bytes) for each in value]}
    return {kind: of_bytes(value) if kind == "B" else value}


def _line(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _each(union: Any) -> Iterator[Any]:  # noqa: ANN401 # a union is of any type
    for kind in get_args(union):
        yield from _variants(kind)


def _variants(kind: type[Struct]) -> Iterator[Any]:
    """Answer values of this kind, as many as it takes to use every word of its enumerations."""
    seen = set[str]()
    for turn in range(_most_words(kind)):
        value = _example(kind, turn)
        if (line := _line(value)) not in seen:
            seen.add(line)
            yield value


def _most_words(hint: Any) -> int:  # noqa: ANN401 # a type hint is of any type
    if isinstance(hint, type) and issubclass(hint, Enum):
        return len(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return max(map(_most_words, get_type_hints(hint).values()), default=1)
    return max([len(_choices(hint)), *map(_most_words, get_args(hint))], default=1)


def _choices(hint: Any) -> list[Any]:  # noqa: ANN401 # a type hint is of any type
    if get_origin(hint) in {tuple, dict}:
        return [hint]
    return [each for each in get_args(hint) if each is not NoneType] or [hint]


def _example(hint: Any, turn: int) -> Any:  # noqa: ANN401, PLR0911 # one line for each kind of type
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint is str:
        return f"text {turn}"
    if hint is int:
        return turn + 1
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[turn % len(hint)]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _struct(hint, turn)
    if get_origin(hint) is tuple:
        return tuple(_example(part, turn) for part in get_args(hint) if part is not ...)
    if get_origin(hint) is dict:
        return {_example(part, turn): _example(value, turn) for part, value in [get_args(hint)]}
    choices = _choices(hint)
    assert choices != [hint], f"no example of {hint}"
    return _example(choices[turn % len(choices)], turn)


def _struct(kind: type[Struct], turn: int) -> Any:  # noqa: ANN401 # of this kind
    hints = get_type_hints(kind)
    given = {name: _example(hints[name], turn) for name in kind.__struct_fields__}
    if kind is Site:
        given |= {"id": "garage", "schema": SCHEMA}
    return kind(**given)

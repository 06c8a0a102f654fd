"""DynamoDB's own notation: keys, typed values, and writes under conditions."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from queue_store.errors import TooLarge, Unreadable

_T = TypeVar("_T")
Item = dict[str, Any]
Found = Mapping[str, Any]

# A sort key has 1,024 bytes at most.
_LONGEST_NAME = 900

ABSENT = "attribute_not_exists(pk)"


class Write(Struct, frozen=True):
    """One of a transaction's writes, in DynamoDB's own terms, whatever the table.

    A check writes nothing: it is about the term in which the others may be done.
    """

    verb: Literal["Put", "Update", "Delete", "ConditionCheck"]
    terms: dict[str, Any]

    @property
    def is_fence(self) -> bool:
        return self.verb == "ConditionCheck"


def key(site: str, name: str) -> Item:
    """Name an item.

    Raises:
        TooLarge: the name is longer than DynamoDB takes.
    """
    if len(name.encode()) > _LONGEST_NAME:
        raise TooLarge(f"a name of {len(name)} characters is longer than DynamoDB takes")
    return {"pk": {"S": f"SITE#{site}"}, "sk": {"S": name}}


def put(item: Item) -> Write:
    """Answer the write that keeps this item."""
    return Write("Put", {"Item": item})


def deletion(found: Found) -> Write:
    """Answer the write that deletes this item."""
    return Write("Delete", {"Key": {"pk": found["pk"], "sk": found["sk"]}})


def only_if(condition: str) -> dict[str, str]:
    """Answer the terms of a condition; what was there instead is told if it does not hold."""
    return {
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def kept_until(moment: datetime) -> Item:
    """Answer when an item expires, for whoever reads it and for DynamoDB."""
    return {
        "kept_until": {"S": exact(moment)},
        "expires": {"N": str(math.ceil(moment.timestamp()))},
    }


def exact(moment: datetime) -> str:
    """Write a moment so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read(found: Found, kind: type[_T]) -> _T:
    """Answer what the item says.

    Raises:
        Unreadable: it is damaged.
    """
    values = {name: _value(value) for name, value in found.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Unreadable(f"an item in DynamoDB is damaged: {error}") from error


def _value(typed: Mapping[str, Any]) -> object:
    """Answer the value without the type that stands beside it."""
    ((kind, value),) = typed.items()
    return [_value(each) for each in value] if kind == "L" else value

"""The way from what an older version stored to what this one reads, one step at a time.

A step works on JSON, since the types of long ago are gone. It is never changed once a version
with it was released: somewhere a site waits that was stored just before it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Json = dict[str, Any]


class Step(Struct, frozen=True):
    """The way from one schema to the next.

    `back` is the way back, for as long as the version before may be at work beside this one: it
    reads what this one writes.
    """

    forth: Callable[[Json], Json]
    back: Callable[[Json], Json] | None = None


class NoWay(Exception):
    """No step leads on from here; the message says why."""


# A step takes for granted what it reads, and that may be anything.
_STUMBLES = (AttributeError, LookupError, TypeError, ValueError)

# By the schema that they lead from.
STEPS: Mapping[int, Step] = {}


def raised(stored: Json, *, to: int, steps: Mapping[int, Step] = STEPS) -> Json:
    """Answer what was stored in the form of a later schema.

    Raises:
        NoWay: nobody ever wrote that schema, or not like this.
    """
    while stored["schema"] != to:
        schema = stored["schema"]
        if schema not in steps:
            raise NoWay(f"no step leads from schema {schema}")
        try:
            stored = {**steps[schema].forth(stored), "schema": schema + 1}
        except _STUMBLES as error:
            raise NoWay(f"it is not of schema {schema}: {error!r}") from error
    return stored


def lowered(made: Json, *, to: int, steps: Mapping[int, Step] = STEPS) -> Json:
    """Answer what is to be stored in the form of an earlier schema."""
    while made["schema"] != to:
        schema = made["schema"] - 1
        back = steps[schema].back
        if back is None:
            raise AssertionError(f"there is no way back to schema {schema}")
        made = {**back(made), "schema": schema}
    return made

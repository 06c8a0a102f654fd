"""Values that could be, for Hypothesis: any site at all, sensible or not."""

from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct

from queue_store.site import SCHEMA, Site
from queue_store.stored import twice

_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-8)), timezone(timedelta(hours=5.5))])


def moments() -> st.SearchStrategy[datetime]:
    """Answer moments of our century, aware, not always in UTC."""
    # Naive bounds are what Hypothesis asks for; the moments drawn are aware.
    return st.datetimes(
        datetime(2020, 1, 1),  # noqa: DTZ001
        datetime(2099, 12, 31),  # noqa: DTZ001
        timezones=_ZONES,
    )


def sites(site: str) -> st.SearchStrategy[Site]:
    """Answer sites of this name with anything in them, though nothing twice."""
    whole = structs(Site, id=st.just(site), schema=st.just(SCHEMA))
    return whole.filter(lambda drawn: twice(drawn) is None)


def structs(kind: type[Any], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Answer values of this struct, every field of which may be anything of its type."""
    hints = get_type_hints(kind)
    drawn = {name: _values(hints[name]) for name in kind.__struct_fields__ if name not in given}
    return st.builds(kind, **given, **drawn)


def any_of(union: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 # a union is of any type
    """Answer values of any struct in this union."""
    return st.one_of([structs(kind) for kind in get_args(union)])


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(min_value=0, max_value=2**53),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    datetime: moments(),
    timedelta: st.timedeltas(timedelta(), timedelta(days=9)),
    NoneType: st.none(),
}


def _values(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 # a type hint is of any type
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return structs(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    parts = [_values(part) for part in get_args(hint) if part is not ...]
    if get_origin(hint) is tuple:
        return st.lists(parts[0], max_size=3).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(*parts, max_size=3)
    return st.one_of(parts)

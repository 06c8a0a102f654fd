"""Changes to JSON values, anywhere in them."""

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def places(value: Any) -> Iterator[Path]:  # noqa: ANN401 - JSON is of any type
    """Answer every place in the value but the whole, outermost first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in inside:
        yield (key,)
        if isinstance(inner, dict | list):
            yield from ((key, *path) for path in places(inner))


def changed(value: Any, place: int, scrap: Any) -> Any:  # noqa: ANN401 - likewise
    """Answer the value with the scrap in one of its places."""
    paths = sorted(places(value), key=len)
    return _put(value, paths[place % len(paths)], scrap) if paths else scrap


def _put(value: Any, path: Path, scrap: Any) -> Any:  # noqa: ANN401 - likewise
    if not path:
        return scrap
    first, *rest = path
    inner = _put(value[first], tuple(rest), scrap)
    if isinstance(value, dict):
        return {**value, first: inner}
    return [inner if place == first else each for place, each in enumerate(value)]

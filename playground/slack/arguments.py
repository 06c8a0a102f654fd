"""The arguments of a Web API call, however they came: JSON, form, or query string."""

import json
from typing import Any, TypeVar

from aiohttp import web

from playground.slack.errors import ApiError

Json = dict[str, Any]
Item = TypeVar("Item")
_PAGE = 100
_MOST = 1000


class Arguments:
    """The arguments of one call; asking for a missing one is the caller's mistake."""

    def __init__(self, given: Json) -> None:
        self.given = given

    def __contains__(self, name: str) -> bool:
        return self.given.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Answer a string."""
        value = self.given.get(name, default)
        if value is None or value == "":
            if default is not None:
                return default
            raise ApiError("invalid_arguments", f"[ERROR] missing required field: {name}")
        if not isinstance(value, str | int | float):
            raise ApiError("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")
        return str(value)

    def flag(self, name: str) -> bool:
        """Answer a yes or no, however it is spelled."""
        return str(self.given.get(name, "")).lower() in {"1", "true"}

    def structure(self, name: str, broken: str) -> Any:  # noqa: ANN401 - the caller checks what it is
        """Answer a list or an object, which a form carries as JSON text."""
        value = self.given.get(name)
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ApiError(broken, f"[ERROR] {name} is no JSON") from error

    def page(self, items: list[Item]) -> tuple[list[Item], str]:
        """Answer the part of the items that was asked for, and the cursor of the next part."""
        start = self._whole("cursor", 0, "invalid_cursor")
        limit = self._whole("limit", _PAGE, "invalid_limit") or _PAGE
        if limit > _MOST:
            raise ApiError("invalid_limit")
        rest = start + limit
        return items[start:rest], str(rest) if rest < len(items) else ""

    def _whole(self, name: str, default: int, broken: str) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal():
            raise ApiError(broken)
        return int(value)


async def arguments_of(request: web.Request) -> Arguments:
    """Gather the arguments of a request; the body's win over the query's."""
    given: Json = dict(request.query)
    if request.method == "POST":
        given |= await _body(request)
    return Arguments(given)


async def _body(request: web.Request) -> Json:
    if request.content_type != "application/json":
        return dict(await request.post())
    try:
        body = await request.json()
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return body

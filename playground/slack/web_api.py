"""The Web API, refusing what the real one refuses with the codes that the real one gives.

Every call is noted with what became of it, so that a test can say that nothing was refused.
"""

import asyncio
from collections import deque
from typing import Any

from aiohttp import web
from msgspec import Struct

from playground.slack.arguments import Arguments, arguments_of
from playground.slack.errors import ApiError, NotThere
from playground.slack.faults import (
    Break,
    Fault,
    Faults,
    Hang,
    Limit,
    LoseAnswer,
    Refuse,
)
from playground.slack.methods import METHODS, Backend, Method, TooFast
from playground.slack.options import Options

Json = dict[str, Any]


class Call(Struct, frozen=True, kw_only=True):
    """A Web API call as it was made, without its token; `error` is None where it was obeyed."""

    method: str
    given: Json
    error: str | None = None
    messages: tuple[str, ...] = ()


class WebApi:
    """Serves `/api/{method}` for one workspace."""

    def __init__(self, backend: Backend) -> None:
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=5000)
        self._backend = backend

    @property
    def _options(self) -> Options:
        return self._backend.options

    @property
    def refused(self) -> tuple[Call, ...]:
        """The calls that were refused, oldest first."""
        return tuple(call for call in self.calls if call.error)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, unless a fault stands in its way."""
        method = request.match_info["method"]
        fault = self.faults.take(method)
        if fault is not None and not isinstance(fault, LoseAnswer):
            return await self._suffer(fault, request, method)
        answer = await self._answer(request, method)
        return _cut(request) if fault else answer

    async def stumble(self, what: str, request: web.Request) -> web.Response | None:
        """Answer as a fault has it that waits for calls outside the Web API proper, if any does."""
        fault = self.faults.take(what)
        return None if fault is None else await self._suffer(fault, request, what)

    async def _suffer(self, fault: Fault, request: web.Request, method: str) -> web.Response:
        match fault:
            case Refuse(error):
                return self._refusal(Call(method=method, given={}, error=error))
            case Break(status):
                return web.Response(status=status, text="<html>a broken Slack</html>")
            case Limit(retry_after):
                return _limited(retry_after)
            case Hang():
                await asyncio.get_running_loop().create_future()
        return _cut(request)

    async def _answer(self, request: web.Request, method: str) -> web.Response:
        given = Arguments({})
        try:
            given = await arguments_of(request)
            return self._accepted(method, given, self._obey(method, given, _token(request, given)))
        except TooFast as error:
            self._note(Call(method=method, given=_public(given), error=error.error))
            return _limited(error.retry_after)
        except ApiError as error:
            return self._refusal(
                Call(
                    method=method, given=_public(given), error=error.error, messages=error.messages
                )
            )

    def _obey(self, name: str, given: Arguments, token: str) -> Json:
        method = METHODS.get(name)
        if method is None:
            raise ApiError("unknown_method")
        self._authorize(method, token)
        try:
            return method.do(self._backend, given)
        except NotThere as error:
            raise ApiError("not_found", str(error)) from error

    def _authorize(self, method: Method, token: str) -> None:
        wanted, other = self._options.bot_token, self._options.app_token
        if method.app_token:
            wanted, other = other, wanted
        if not token:
            raise ApiError("not_authed")
        if token == other:
            raise ApiError("not_allowed_token_type")
        if token != wanted:
            raise ApiError("invalid_auth")
        self._backend.demand(method.scope)

    def _accepted(self, method: str, given: Arguments, answer: Json) -> web.Response:
        self._note(Call(method=method, given=_public(given)))
        return web.json_response({"ok": True, **answer}, headers=self._headers)

    def _refusal(self, call: Call) -> web.Response:
        self._note(call)
        body: Json = {"ok": False, "error": call.error}
        if call.error == "missing_scope":
            body |= {"needed": call.messages[0].rpartition(" ")[2]} if call.messages else {}
            body |= {"provided": self._headers["x-oauth-scopes"]}
        if call.messages:
            body |= {"response_metadata": {"messages": list(call.messages)}}
        return web.json_response(body, headers=self._headers)

    @property
    def _headers(self) -> dict[str, str]:
        return {"x-oauth-scopes": ",".join(sorted(self._options.scopes))}

    def note(self, what: str, given: Json, error: ApiError) -> None:
        """Note a refusal outside the Web API proper."""
        self._note(Call(method=what, given=given, error=error.error, messages=error.messages))

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        self._backend.workspace.touch()


def _token(request: web.Request, given: Arguments) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else given.text("token", "")


def _public(given: Arguments) -> Json:
    return {name: value for name, value in given.given.items() if name != "token"}


def _limited(retry_after: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"},
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()

"""Servers that answer with what they were sent: the worst that others do with our secrets."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from html import escape
from itertools import cycle

from aiohttp import ClientSession, web

Answer = Callable[[str], web.Response]


def _json(**said: object) -> web.Response:
    return web.json_response(said)


def _fault(code: str, text: str) -> web.Response:
    return web.Response(
        text='<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        f"<faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring>"
        "</e:Fault></e:Body></e:Envelope>",
        status=500,
        content_type="text/xml",
    )


def _after(name: str, heard: str) -> str:
    """Answer what an element says, as it is written there."""
    return heard.partition(f"{name}")[2].partition(">")[2].partition("<")[0]


def _soap(text: str) -> web.Response:
    return web.Response(
        text='<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<n:getStationsResponse xmlns:n="urn:dictionary:com.chargepoint.webservices">'
        f"<responseCode>133</responseCode><responseText>{escape(text)}</responseText>"
        "</n:getStationsResponse></e:Body></e:Envelope>",
        content_type="text/xml",
    )


def _aws(kind: str, text: str) -> web.Response:
    return web.json_response({"__type": f"x#{kind}", "message": text}, status=400)


SLACKS: tuple[Answer, ...] = (
    lambda heard: _json(ok=False, error=f"odd_{heard}", response_metadata={"messages": [heard]}),
    lambda heard: _json(ok=False, error="invalid_auth", warning=heard, echo=heard),
    lambda heard: _json(ok=True, echo=heard),
    lambda heard: web.Response(text=heard, status=500),
    lambda heard: web.Response(text=heard, status=403, content_type="text/html"),
    lambda heard: web.Response(text=f"[{heard}", content_type="application/json"),
    lambda heard: web.Response(
        status=302, headers={"Location": f"http://127.0.0.1:9/?{heard[:50]}"}
    ),
)
CHARGEPOINTS: tuple[Answer, ...] = (
    lambda heard: _fault("e:Client", heard),
    lambda heard: _fault("e:Client", f"no such password: {_after('Password', heard)}"),
    lambda heard: _soap(f"no such user: {_after('Username', heard)}"),
    lambda heard: _fault("e:FailedAuthentication", heard),
    lambda heard: _fault(f"e:{heard[:300]}", "no"),
    _soap,
    lambda heard: web.Response(text=f"<html>{heard}", status=400, content_type="text/html"),
    lambda heard: web.Response(text=f"<html>{heard}", status=503, content_type="text/html"),
    lambda heard: web.Response(text=heard, content_type="text/xml"),
)
AWSES: tuple[partial[web.Response], ...] = tuple(
    partial(_aws, kind)
    for kind in (
        "InvalidSignatureException",
        "IncompleteSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "AccessDeniedException",
        "ValidationException",
        "SomethingNewException",
    )
)


@asynccontextmanager
async def echoing(*answers: Answer, path: str = "/") -> AsyncIterator[str]:
    """Answer every request in each of these ways in turn; tell the URL."""
    turn = cycle(answers)

    async def answer(request: web.Request) -> web.Response:
        return next(turn)(await heard(request))

    async with _served(answer) as origin:
        yield f"{origin}{path}"


@asynccontextmanager
async def echoing_some(
    api_url: str, *methods: str, answers: tuple[Answer, ...] = SLACKS
) -> AsyncIterator[str]:
    """Stand before a Slack: echo calls of these methods, and pass on the others."""
    turn = cycle(answers)

    async def answer(request: web.Request) -> web.Response:
        method = request.path.rpartition("/")[2]
        if method in methods:
            return next(turn)(await heard(request))
        passed_on = {"Authorization", "Content-Type"}
        headers = {name: text for name, text in request.headers.items() if name in passed_on}
        async with (
            ClientSession() as session,
            session.request(
                request.method,
                f"{api_url}{method}",
                params=request.query,
                data=await request.read(),
                headers=headers,
            ) as passed,
        ):
            return web.Response(
                body=await passed.read(), status=passed.status, content_type="application/json"
            )

    async with _served(answer) as origin:
        yield f"{origin}/api/"


async def heard(request: web.Request) -> str:
    """Answer all that a request says."""
    headers = json.dumps(dict(request.headers))
    return f"{request.path_qs} {headers} {await request.text()}"


@asynccontextmanager
async def _served(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()

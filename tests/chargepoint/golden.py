"""A server of written answers, which shares no reading of the WSDL with the client."""

import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web
from lxml import etree

from tests.chargepoint.fixtures import recorded

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"


def answer(operation: str, content: str) -> str:
    """Write an answer that holds this."""
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<n:{operation}Response xmlns:n="urn:dictionary:com.chargepoint.webservices">'
        f"{content}</n:{operation}Response></e:Body></e:Envelope>"
    )


class GoldenServer:
    """Answers each operation with what is written for it, and keeps what it was asked.

    An answer is a text, a status with a text, or a handler. Operations without one get what was
    recorded from the real network. With a TLS context it is asked over https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.date = "Fri, 20 Nov 2026 09:00:00 GMT"
        self._tls = tls
        self.answers: dict[str, str | tuple[int, str] | Handler] = {}
        self.asked: list[bytes] = []
        self.operations: list[str] = []
        self.actions: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/services/5.0", self._serve)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        origin = "https://localhost" if self._tls else "http://127.0.0.1"
        self.url = f"{origin}:{self._runner.addresses[0][1]}/services/5.0"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.read())
        self.actions.append(request.headers["SOAPAction"])
        operation = _operation(self.asked[-1])
        self.operations.append(operation)
        answer = self.answers.get(operation)
        if answer is None:
            answer = recorded(f"{operation}.xml")
        if callable(answer):
            return await answer(request)
        status, text = answer if isinstance(answer, tuple) else (200, answer)
        return web.Response(
            status=status, text=text, content_type="text/xml", headers={"Date": self.date}
        )


def _operation(envelope: bytes) -> str:
    call = next(etree.fromstring(envelope).iterfind(f"{BODY}/*"))
    return etree.QName(call).localname


def canonical(envelope: bytes) -> list[tuple[str, str, dict[str, str]]]:
    """Answer what an envelope says, whatever its prefixes and indentation."""
    return [
        (
            str(element.tag),
            (element.text or "").strip(),
            {str(k): str(v) for k, v in element.items()},
        )
        for element in etree.fromstring(envelope).iter()
    ]

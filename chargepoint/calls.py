"""Calls of ChargePoint's SOAP API through zeep, which is blocking.

zeep's client is no thing for two threads: it gets one of its own, a daemon, so that a call that
hangs until its time-out can't hold up the end of the process. Each try is one span.

The endpoint comes from the settings, never from the WSDL. An answer is read up to a limit and a
deadline, must be a well-formed envelope without a document type, and may otherwise vary: fields
missing, empty, unknown, in another order. Redirects are not followed: the password goes to the
endpoint only. All errors of zeep and of the network are translated here.

What may pass (no answer, none in time, HTTP 429 and 502 to 504) is tried again after a pause,
three times in all and within one patience; a refusal is final.
"""

import asyncio
import io
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextvars import copy_context
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from queue import SimpleQueue
from random import uniform
from threading import Thread
from time import monotonic
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
import zeep
import zeep.exceptions
from lxml import etree
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from zeep.transports import Transport
from zeep.wsdl.bindings.soap import SoapOperation
from zeep.wsse.username import UsernameToken

from chargepoint.answers import Answer, check_code, plain
from chargepoint.errors import (
    BadAnswer,
    ChargePointError,
    CredentialsRefused,
    NoSuchHost,
    Refused,
    TimedOut,
    Unreachable,
    Untrusted,
)

WSDL = Path(__file__).parent / "wsdl" / "chargepoint.wsdl"
NAMESPACE = "{urn:dictionary:com.chargepoint.webservices}"
BINDING = f"{NAMESPACE}chargepointservicesSOAP"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
ENVELOPE, BODY, FAULT = f"{SOAP}Envelope", f"{SOAP}Body", f"{SOAP}Fault"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CREDENTIAL_FAULTS = frozenset({"InvalidSecurity", "FailedAuthentication"})
PASSING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

CONNECT_SECONDS = 10
PATIENCE_SECONDS = 60
MOST_TRIES = 3
LARGEST_ANSWER = 4 * 1024 * 1024
MOST_ELEMENTS = 100_000
CHUNK = 64 * 1024
SHORTEST_SECRET = 8

P = ParamSpec("P")
T = TypeVar("T")
Headers = Mapping[str, str]

log = logging.getLogger(__name__)
tracer = trace.get_tracer("chargepoint")

# At DEBUG zeep writes down whole envelopes, and they hold the password.
logging.getLogger("zeep").setLevel(logging.INFO)


def backoff(tried: int) -> float:
    """Answer the pause, in seconds, after so many tries of one call."""
    return float(2 ** (tried - 1) * uniform(0.5, 1))  # noqa: S311 - no secret, only spread


class Calls:
    """zeep in its thread; every error of it and of the network stops here.

    `seconds` is how long one answer may take, `retry` answers the pause after so many tries.
    """

    def __init__(
        self,
        url: str,
        key: str,
        password: str,
        *,
        seconds: float,
        retry: Callable[[int], float] = backoff,
    ) -> None:
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError("the SOAP endpoint must be https, or on loopback")
        self._retry = retry
        self._url = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
        self._thread = _OneThread()
        self._transport = _Transport(password, seconds)
        client = zeep.Client(
            str(WSDL),
            wsse=UsernameToken(key, password),
            transport=self._transport,
            plugins=[_OwnAnswer()],
            settings=zeep.Settings(
                strict=False, xsd_ignore_sequence_order=True, forbid_dtd=True, forbid_external=True
            ),
        )
        self._service = client.create_service(BINDING, url)

    @property
    def told_at(self) -> datetime | None:
        """What time it was by the clock of whoever answered last, if that was told."""
        return _moment(self._transport.date)

    async def call(self, operation: str, read: Callable[[Answer], T], **arguments: object) -> T:
        """Answer what `read` makes of ChargePoint's answer, in a later try if need be."""
        return await self._within_patience(operation, self._tried(operation, read, arguments))

    async def call_once(
        self, operation: str, read: Callable[[Answer], T], **arguments: object
    ) -> T:
        """Answer likewise, or fail at the first try."""
        return await self._within_patience(operation, self._asked(operation, read, arguments))

    def close(self) -> None:
        """Make no more calls; one under way is left to end by itself."""
        self._thread.shutdown(wait=False)

    async def _within_patience(self, operation: str, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await answer
        except TimeoutError as error:
            raise TimedOut(f"{operation} took too long") from error

    async def _tried(
        self, operation: str, read: Callable[[Answer], T], arguments: Mapping[str, object]
    ) -> T:
        for tried in range(1, MOST_TRIES):
            try:
                return await self._asked(operation, read, arguments)
            except Unreachable as error:
                seconds = self._retry(tried)
                log.info("call.again reason=%r in=%.1f", str(error), seconds)
                await asyncio.sleep(seconds)
        return await self._asked(operation, read, arguments)

    async def _asked(
        self, operation: str, read: Callable[[Answer], T], arguments: Mapping[str, object]
    ) -> T:
        attributes = {
            "peer.service": "ChargePoint",
            "rpc.method": operation,
            "http.request.method": "POST",
            "url.full": self._url,
        }
        with tracer.start_as_current_span(operation, kind=SpanKind.CLIENT, attributes=attributes):
            answer = self._thread.submit(
                copy_context().run, self._answer, operation, read, arguments
            )
            return await asyncio.wrap_future(answer)

    def _answer(
        self, operation: str, read: Callable[[Answer], T], arguments: Mapping[str, object]
    ) -> T:
        try:
            answer = self._service[operation](**arguments)
            check_code(answer)
            return read(answer)
        except ChargePointError:
            raise
        # zeep raises whatever it stumbles over in an answer that is not what it should be.
        except Exception as error:
            raise _translated(operation, error) from error


class _OwnAnswer(zeep.Plugin):
    """Refuses the answer to another question, which zeep would read as an empty one."""

    def ingress(
        self, envelope: etree._Element, http_headers: Headers, operation: SoapOperation
    ) -> tuple[etree._Element, Headers]:
        (answer,) = envelope.findall(f"{BODY}/*")
        if answer.tag not in {FAULT, f"{NAMESPACE}{operation.name}Response"}:
            raise BadAnswer(f"{operation.name} was answered with something else")
        return envelope, http_headers


class _Transport(Transport):
    """Posts to one endpoint, and lets only a bounded, well-formed answer through."""

    def __init__(self, password: str, seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # zeep's is untyped
        self._seconds = seconds
        self.date: str | None = None
        self._secret = password.encode() if len(password) >= SHORTEST_SECRET else None

    def post(self, address: str, message: bytes, headers: Headers) -> requests.Response:
        with self.session.post(
            address,
            data=message,
            headers=headers,
            timeout=(CONNECT_SECONDS, self._seconds),
            stream=True,
            allow_redirects=False,
        ) as response:
            self.date = response.headers.get("Date")
            status = response.status_code
            trace.get_current_span().set_attribute("http.response.status_code", status)
            if status in PASSING:
                raise Unreachable(f"HTTP {status}")
            content = _content(response, self._seconds)
        if self._secret and self._secret in content:
            raise BadAnswer("the answer repeats our password")
        if not _is_envelope(content):
            raise _no_soap(status)
        return _response(status, content)


def _moment(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def _content(response: requests.Response, seconds: float) -> bytes:
    content = bytearray()
    deadline = monotonic() + seconds
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise BadAnswer("the answer is too large")
        if monotonic() > deadline:
            raise TimedOut("the answer does not end")
    return bytes(content)


def _is_envelope(content: bytes) -> bool:
    # Zeep, not being strict, would mend an answer that was cut off, and make a shorter list of it.
    parser = etree.XMLParser(
        target=_Outline(),  # type: ignore[arg-type] # the stubs ask for more than lxml does
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
    )
    try:
        return bool(etree.fromstring(content, parser) == ENVELOPE)
    except etree.XMLSyntaxError:
        return False


class _Outline:
    """What a first look at an answer is for: the whole of it, and nothing that has to be kept."""

    def __init__(self) -> None:
        self._root: str | None = None
        self._elements = 0

    def start(self, tag: str, _: Mapping[str, str]) -> None:
        self._root = self._root or tag
        self._elements += 1
        # Zeep takes a second for so many, in which nobody else gets much done.
        if self._elements > MOST_ELEMENTS:
            raise BadAnswer("the answer is too large")

    def doctype(self, *_: str | None) -> None:
        raise BadAnswer("the answer brings its own document type")

    def close(self) -> str | None:
        return self._root


def _no_soap(status: int) -> ChargePointError:
    if status == HTTPStatus.UNAUTHORIZED:
        return CredentialsRefused(f"HTTP {status}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"HTTP {status}")
    return BadAnswer(f"HTTP {status} without a SOAP envelope")


def _response(status: int, content: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = "text/xml"
    response.raw = io.BytesIO(content)
    return response


def _translated(operation: str, error: Exception) -> ChargePointError:
    match error:
        case zeep.exceptions.Fault():
            return _fault(error)
        case requests.Timeout() | urllib3.exceptions.TimeoutError():
            return TimedOut(f"{operation} was not answered in time")
        case requests.RequestException() | urllib3.exceptions.HTTPError():
            return _unconnected(operation, error)
    return BadAnswer(f"{operation}'s answer can't be read: {type(error).__name__}")


def _unconnected(operation: str, error: Exception) -> Unreachable:
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError(verify_message=why):
                return Untrusted(f"{operation} failed: the certificate is not trusted ({why})")
            case ssl.SSLError():
                return Unreachable(f"{operation} failed: no TLS is spoken there")
            case socket.gaierror():
                return NoSuchHost(f"{operation} failed: the host's name can't be resolved")
            case ConnectionRefusedError():
                return Unreachable(f"{operation} failed: nobody listens there")
    return Unreachable(f"{operation} failed: {type(error).__name__}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Answer the errors behind an error; what really happened is the last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _fault(fault: zeep.exceptions.Fault) -> ChargePointError:
    code = str(fault.code or "fault").rpartition(":")[2]
    if code in CREDENTIAL_FAULTS:
        return CredentialsRefused("ChargePoint does not accept the licence key and its password")
    return Refused(plain(code), plain(fault.message))


class _OneThread(Executor):
    """One daemon thread that makes calls in their order, until it is shut down."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        Thread(target=self._work, name="chargepoint-soap", daemon=True).start()

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - whoever waits for it shall have it
                future.set_exception(error)

        self._calls.put(work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Executor's own signature
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

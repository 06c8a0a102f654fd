"""The X-Ray daemon, to which traces are sent by UDP, as Elastic Beanstalk runs it beside the bot.

Each span is a document in a datagram of its own. What can't be sent is lost, counted, and told in
the log whenever the count has doubled; it never fails the work that was traced.
"""

import logging
import socket
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from bot.datagrams import datagram
from bot.log import facts
from bot.xray import Deployment, segment_document

log = logging.getLogger(__name__)


# A host and a port.
Address = tuple[str, int]


class XRayDaemon(SpanExporter):
    """Sends spans to the daemon at this address."""

    def __init__(self, address: Address, deployment: Deployment | None = None) -> None:
        self._address = address
        self._deployment = deployment
        self._socket: socket.socket | None = None
        self._lost = 0
        self._told = 0

    @property
    def lost(self) -> int:
        """How many documents could not be sent, as far as that can be known."""
        return self._lost

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send what can be sent; there is nothing to be gained by trying again."""
        for span in spans:
            try:
                self._send(datagram(segment_document(span, self._deployment)))
            except Exception as error:  # noqa: BLE001 - a span that is lost must not lose the others
                self._lose(error)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, document: bytes) -> None:
        if self._socket is None:
            self._socket = _connected(self._address)
        try:
            self._socket.send(document)
        except ConnectionRefusedError as error:
            # So it is told that nobody took the one before.
            self._lose(error)
            self._socket.send(document)

    def _lose(self, error: Exception) -> None:
        self._lost += 1
        if self._lost >= 2 * self._told:
            self._told = self._lost
            log.warning(
                "traces.lost",
                extra=facts(
                    documents=self._lost,
                    daemon="{}:{}".format(*self._address),
                    why=f"{type(error).__name__}: {error}",
                ),
            )


def refusal(address: Address, *, seconds: float) -> str | None:
    """Answer why nothing can be sent there, as far as that is told within so many seconds.

    An empty datagram is sent, which is no document. That one arrived is never told.
    """
    try:
        with _connected(address) as trying:
            trying.settimeout(seconds)
            trying.send(b"")
            trying.recv(1)
    except TimeoutError:
        return None
    except socket.gaierror:
        return "the daemon's name can't be resolved"
    except ConnectionRefusedError:
        return "nobody listens there for UDP"
    except OSError as error:
        return f"nothing can be sent there ({error.strerror})"
    return None


def _connected(address: Address) -> socket.socket:
    found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, place = found[0]
    connected = socket.socket(family, kind, protocol)
    try:
        connected.connect(place)
    except OSError:
        connected.close()
        raise
    return connected

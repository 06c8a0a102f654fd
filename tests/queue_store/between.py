"""What stands between a store and its engine, and can go wrong on the way."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from msgspec import Struct

from queue_store.aws import Table

_LENGTH = b"content-length:"


class Refusal(Struct, frozen=True):
    """What an engine answers instead of what it should; `done` if it did so all the same."""

    code: str
    status: int = HTTPStatus.BAD_REQUEST
    reasons: tuple[str, ...] = ()
    done: bool = False
    message: str = "as it pleases"

    def response(self, request: AWSPreparedRequest) -> object:
        """Answer so."""
        if self.done:
            URLLib3Session().send(request)
        told: dict[str, Any] = {"__type": f"dynamodb#{self.code}", "message": self.message}
        if self.reasons:
            told["CancellationReasons"] = [{"Code": code} for code in self.reasons]
        return _response(request.url, self.status, json.dumps(told).encode())


def _response(url: str, status: int, body: bytes) -> Any:  # noqa: ANN401 # its types fall short
    answer: Any = AWSResponse(url, status, HTTPHeaders(), None)
    answer._content = body
    return answer


class Refusing:
    """Refuses writes as told, and lets the rest through."""

    def __init__(self, table: Table, *refusals: Refusal, always: bool = False) -> None:
        self._refusals = list(refusals)
        self._always = always
        client: Any = table.client
        client.meta.events.register("before-send.dynamodb.TransactWriteItems", self)

    def relent(self) -> None:
        """Let everything through from now on."""
        self._refusals.clear()

    def __call__(self, request: AWSPreparedRequest, **_: object) -> object:
        """Answer in the engine's place, or let it answer."""
        if not self._refusals:
            return None
        refusal = self._refusals[0] if self._always else self._refusals.pop(0)
        return refusal.response(request)


def forget_tokens(table: Table) -> None:
    """Make the engine take every attempt for a new request, as ten minutes or a restart do."""

    def renew(params: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**params, "ClientRequestToken": uuid4().hex}

    client: Any = table.client
    client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", renew)


class Wire:
    """The way to the engine: passes everything on, and swallows answers to writes when told."""

    def __init__(self, port: int) -> None:
        self._engine = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        self.swallowing = 0
        self.swallowed = 0
        self.before_swallowing: Callable[[], None] = lambda: None
        self.mute = False

    @property
    def url(self) -> str:
        """Where it takes requests."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(self._engine) as far:
            while request := _message(near):
                if self.mute:
                    # The other side gives up first.
                    near.recv(1)
                    return
                far.sendall(request)
                answer = _message(far)
                if self.swallowing and b"TransactWriteItems" in request:
                    self.swallowing -= 1
                    self.swallowed += 1
                    self.before_swallowing()
                    return
                near.sendall(answer)


def _message(end: socket.socket) -> bytes:
    """Read one whole HTTP message."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = end.recv(65536)
        if not more:
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().splitlines() if line.startswith(_LENGTH)]
    missing = int(lengths[0].removeprefix(_LENGTH)) - len(body) if lengths else 0
    while missing > 0:
        more = end.recv(65536)
        received += more
        missing -= len(more)
    return received

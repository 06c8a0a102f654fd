"""Socket Mode: the bot's own connections, over which envelopes go out and acknowledgements in."""

import asyncio
import json
from contextlib import suppress
from secrets import token_hex
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from playground.slack.deliveries import Retry
from playground.slack.errors import TooLate, Unreachable
from playground.slack.options import Options
from playground.slack.workspace import APP, Workspace

Json = dict[str, Any]
_CONNECTIONS = 10


class Sockets:
    """The live Socket Mode connections; each envelope goes to one of them, in turn.

    While `parts` is not set, whoever takes leave hears no good-bye.
    """

    def __init__(self, workspace: Workspace, options: Options) -> None:
        self.parts = asyncio.Event()
        self.parts.set()
        self._workspace = workspace
        self._options = options
        self._tickets: set[str] = set()
        self._live: list[web.WebSocketResponse] = []
        self._awaited: dict[str, asyncio.Future[str]] = {}

    @property
    def connected(self) -> int:
        """How many connections are up."""
        return len(self._live)

    def ticket(self) -> str:
        """Answer what admits one connection, once."""
        ticket = token_hex(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one connection until either side ends it."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        if self.connected >= _CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            return socket
        await self._converse(socket)
        return socket

    async def carry(self, kind: str, payload: Json, retry: Retry | None = None) -> str:
        """Bring the payload in an envelope and await its acknowledgement."""
        if not self._live:
            raise Unreachable
        envelope = _envelope(kind, payload, retry)
        self._live.append(socket := self._live.pop(0))
        acknowledged: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[envelope["envelope_id"]] = acknowledged
        try:
            async with asyncio.timeout(self._options.deadline):
                await socket.send_json(envelope)
                return await acknowledged
        except TimeoutError as error:
            raise TooLate from error
        except OSError as error:
            raise Unreachable from error
        finally:
            del self._awaited[envelope["envelope_id"]]

    async def refresh(self) -> None:
        """Ask every connection to make way for a new one, as Slack does every few hours."""
        for socket in [*self._live]:
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def drop(self) -> None:
        """End every connection."""
        for socket in [*self._live]:
            await socket.close()

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        self._live.append(socket)
        self._workspace.touch()
        try:
            with suppress(ConnectionError):
                await socket.send_json(_hello(self.connected))
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        self._acknowledge(message.data)
                await self.parts.wait()
        finally:
            # A bot that dies without a word gets the handler cancelled.
            self._live.remove(socket)
            self._workspace.touch()

    def _acknowledge(self, said: str) -> None:
        with suppress(ValueError):
            match json.loads(said):
                case {"envelope_id": str(envelope), **rest} if envelope in self._awaited:
                    payload = rest.get("payload")
                    self._settle(envelope, "" if payload is None else json.dumps(payload))

    def _settle(self, envelope: str, answer: str) -> None:
        if not self._awaited[envelope].done():
            self._awaited[envelope].set_result(answer)


def _hello(connections: int) -> Json:
    return {
        "type": "hello",
        "num_connections": connections,
        "debug_info": {
            "host": "playground",
            "build_number": 1,
            "approximate_connection_time": 3600,
        },
        "connection_info": {"app_id": APP},
    }


def _envelope(kind: str, payload: Json, retry: Retry | None) -> Json:
    envelope: Json = {
        "envelope_id": str(uuid4()),
        "type": kind,
        "payload": payload,
        "accepts_response_payload": kind != "events_api",
    }
    if kind == "events_api":
        envelope["retry_attempt"] = retry.number if retry else 0
        envelope["retry_reason"] = retry.reason if retry else ""
    return envelope

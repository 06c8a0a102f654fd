"""The steps of a bot at work, and how to end it at one of them.

A step is whatever it awaits from outside: each call of the store, of Slack and of ChargePoint,
each request of Slack's, each event and each session of the stream. What changes something takes
two steps: before it was done, and after it took effect, when nobody has heard of that yet. The
real parts are watched from outside, in the process that is to die; nothing in them knows of it.
"""

import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

import aiohttp
from msgspec import Struct
from slack_bolt.async_app import AsyncApp

from bot.stations import Stations
from chargepoint.calls import Calls
from queue_store.aws import Table
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit

# What changes nothing, whether it is done or not.
READS = re.compile(
    r"store (load|answered|outbox|card)|DynamoDB (get_item|query) of \w+|SOAP get\w+"
    r"|Slack (users\.info|auth\.test|conversations\.\w+|apps\.connections\.open|link)"
    r"|the answer to a word of its own"
)
_EFFECT = re.compile(rb'"type":"(\w+)"')
_ITEM = re.compile(r"sk': \{'S': '([A-Z]+)")
_unwatched: ContextVar[bool] = ContextVar("unwatched", default=False)

Name = Callable[..., str]


ANY = "any"


class Victim(Struct, frozen=True):
    """The step at which to die: its name, or ANY, and which time it is taken.

    By another signal it may only fall asleep.
    """

    step: str
    time: int = 1
    signal: Signals = SIGKILL


class Steps:
    """Writes down each step that is taken once `armed`, and ends the process at the victim.

    `under_way` counts what is awaited just now.
    """

    def __init__(self, trail: Path, victim: Victim | None, *, armed: bool) -> None:
        self.armed = armed
        self.under_way = 0
        self._victim = victim
        self._taken: Counter[str] = Counter()
        self._trail = os.open(trail, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @contextmanager
    def around(self, what: str) -> Iterator[None]:
        """Take the steps before and after something that is awaited."""
        if _unwatched.get():
            yield
            return
        self._reach(f"before {what}")
        self.under_way += 1
        try:
            yield
            if READS.fullmatch(what) is None:
                self._reach(f"after {what}")
        finally:
            self.under_way -= 1

    def _reach(self, step: str) -> None:
        """Take the step, or die at it; what was written down stays."""
        if not self.armed:
            return
        os.write(self._trail, f"{step}\n".encode())
        for name in (step, ANY):
            self._taken[name] += 1
        victim = self._victim
        if victim and victim.step in {step, ANY} and victim.time == self._taken[victim.step]:
            os.kill(os.getpid(), victim.signal)


@contextmanager
def unwatched() -> Iterator[None]:
    """Take no steps: what is done here is done by whoever watches."""
    token = _unwatched.set(True)
    try:
        yield
    finally:
        _unwatched.reset(token)


def watch(steps: Steps) -> None:
    """Make every step of this process known."""
    for method in ("load", "answered", "outbox", "begin", "discharge", "card"):
        _watch(steps, SqliteStore, method, lambda *_, method=method, **__: f"store {method}")
    _watch(steps, SqliteStore, "commit", lambda commit: f"store commit of {_decision(commit)}")
    _watch_blocking(steps, Table, "ask", _asked_of_dynamodb)
    _watch_blocking(steps, Calls, "_answer", lambda operation, *_: f"SOAP {operation}")
    _watch(steps, aiohttp.ClientSession, "_request", lambda _, url, **__: _asked_of_slack(url))
    _watch(steps, Stations, "on_session", lambda: "XMPP session")
    _watch(steps, Stations, "on_event", lambda event: f"XMPP {type(event).__name__}")
    _watch(steps, AsyncApp, "async_dispatch", lambda asked: f"the answer to {_kind(asked.body)}")


def _watch(steps: Steps, owner: type[Any], method: str, name: Name) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(owner, method)

    @wraps(original)
    async def watched(self: object, *given: Any, **named: Any) -> Any:  # noqa: ANN401 # anybody's
        with steps.around(name(*given, **named)):
            return await original(self, *given, **named)

    setattr(owner, method, watched)


def _watch_blocking(steps: Steps, owner: type[Any], method: str, name: Name) -> None:
    original: Callable[..., Any] = getattr(owner, method)

    @wraps(original)
    def watched(self: object, *given: Any, **named: Any) -> Any:  # noqa: ANN401 # anybody's
        with steps.around(name(*given, **named)):
            return original(self, *given, **named)

    setattr(owner, method, watched)


def _kind(body: Mapping[str, Any]) -> str:
    """Say what sort of request this is."""
    if "event" in body:
        return "a word of its own" if body["event"].get("bot_id") else "a message"
    return "a command" if "command" in body else "a button"


def _decision(commit: Commit) -> str:
    """Say what a commit is about, as far as a store can see."""
    about = "an answer" if commit.answered else "what was said" if commit.delivered else "an event"
    effects = [match[1].decode() for body in commit.bodies if (match := _EFFECT.search(body))]
    return f"{about} with {', '.join(effects)}" if effects else about


def _asked_of_dynamodb(method: str, request: Mapping[str, Any], **_: object) -> str:
    item = _ITEM.search(repr(request))
    writes = request.get("TransactItems")
    doing = next(iter(writes[0])).lower() if writes else method
    return f"DynamoDB {doing} of {item[1] if item else 'everything'}"


def _asked_of_slack(url: object) -> str:
    path = str(url).partition("?")[0]
    return "Slack response_url" if "/commands/" in path else f"Slack {path.rpartition('/')[2]}"

"""Logs: an event's name and facts about it, on one line, with the reference of its trace.

    log.info("offer.made", extra=facts(driver=offer.driver, port=offer.port))

Everybody logs to the standard library's loggers. Here is decided how that is shown, and that
other people's libraries never show more than INFO: what they say below it contains passwords and
message bodies.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO

from bot.redaction import HIDDEN, Redact, names_secret, one_line, redacted
from bot.tracing import cause_reference, trace_reference

Fact = str | int | float | bool | datetime | None

_OURS = ("bot", "chargepoint", "queue_store", "playground")
# These report every tick and every request where others report what happened.
_TALKATIVE = ("apscheduler", "aiohttp.access")
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "facts"}


def facts(**named: Fact) -> dict[str, Mapping[str, Fact]]:
    """Answer what to pass as `extra`, so that no name collides with logging's own."""
    return {"facts": named}


def set_up(
    form: Literal["text", "json"], level: int, out: TextIO, *, redact: Redact = redacted
) -> Callable[[], None]:
    """Begin to log to `out`; answer how to stop. Ours are shown from `level` on."""
    handler = logging.StreamHandler(out)
    # A library can lower the level of its own loggers, below which ours would not count.
    handler.setLevel(level)
    handler.setFormatter(_Text(redact) if form == "text" else _Json(redact))
    handler.addFilter(_fit_to_be_seen)
    levels = {"": max(level, logging.INFO), **dict.fromkeys(_OURS, level)}
    levels |= dict.fromkeys(_TALKATIVE, max(level, logging.WARNING))
    before = {name: logging.getLogger(name).level for name in levels}
    _set_levels(levels)
    logging.getLogger().addHandler(handler)

    def stop() -> None:
        logging.getLogger().removeHandler(handler)
        _set_levels(before)

    return stop


def _set_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _fit_to_be_seen(record: logging.LogRecord) -> bool:
    # A library can give its loggers levels of its own, so the loggers' levels are not enough.
    return record.levelno >= logging.INFO or record.name.partition(".")[0] in _OURS


class _Line(logging.Formatter):
    """What both forms have in common: redacted facts, a moment, a reference, a traceback."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def _event(self, record: logging.LogRecord) -> str:
        return self._redact(record.getMessage())

    def _facts(self, record: logging.LogRecord) -> dict[str, object]:
        return {name: self._fact(name, value) for name, value in _given(record)}

    def _fact(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        if names_secret(name):
            return HIDDEN
        return value if _is_number(value) else self._redact(str(value))

    def _failure(self, record: logging.LogRecord) -> str | None:
        return self._redact(self.formatException(record.exc_info)) if record.exc_info else None


class _Text(_Line):
    """For people: a traceback stands below its line, and each of its lines is marked as such."""

    def format(self, record: logging.LogRecord) -> str:
        head = (
            f"{_moment(record)} {record.levelname:7} {record.name} {one_line(self._event(record))}"
        )
        shown = {**self._facts(record), **_trace()}
        line = " ".join((head, *(f"{one_line(k)}={_quoted(v)}" for k, v in shown.items())))
        failure = self._failure(record)
        below = failure.splitlines() if failure else []
        return "\n".join((line, *(f"    | {one_line(each)}" for each in below)))


class _Json(_Line):
    """For machines: one object per line."""

    def format(self, record: logging.LogRecord) -> str:
        failure = self._failure(record)
        said = {
            "at": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "event": self._event(record),
            "facts": self._facts(record),
            **_trace(),
            **({"failure": failure} if failure else {}),
        }
        return json.dumps(said)


def _is_number(value: object) -> bool:
    # JSON has no words for floats that are not finite.
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _given(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    named = vars(record).get("facts")
    yield from (named.items() if isinstance(named, Mapping) else ())
    yield from ((name, value) for name, value in vars(record).items() if name not in _STANDARD)


def _trace() -> dict[str, str]:
    references = {"trace": trace_reference(), "caused_by": cause_reference()}
    return {name: reference for name, reference in references.items() if reference}


def _moment(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(value: object) -> str:
    text = one_line(str(value))
    plain = text and not any(each in text for each in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)

"""How the text of a setting becomes a value, or is refused in words that don't repeat it."""

import difflib
import ipaddress
import re
from collections.abc import Callable
from datetime import time, timedelta
from functools import cache
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from bot.setting import Secret, Unfit

_Word = TypeVar("_Word", bound=str)

_MOMENT = timedelta(milliseconds=1)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_JID = rf"[^\s@/:\"&'<>\x00-\x20]+@{_HOST}"


def text(value: str) -> str:
    """Take any text that fits on a line."""
    if not value.isprintable():
        raise Unfit("must be one line of plain text")
    return value


def secret(value: str) -> Secret:
    """Take any text as a secret."""
    return Secret(text(value))


def matching(pattern: str, words: str) -> Callable[[str], str]:
    """Take what the pattern takes as a whole."""
    compiled = re.compile(pattern)

    def parse(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise Unfit(words)
        return value

    return parse


def token(prefix: str) -> Callable[[str], Secret]:
    """Take one of Slack's tokens of this kind."""
    parse = matching(rf"{prefix}-[A-Za-z0-9-]+", f"must be a token that begins with {prefix}-")
    return lambda value: Secret(parse(value))


def jid(value: str) -> Secret:
    """Take a bare JID."""
    parse = matching(_JID, "must be a bare JID, a name and a domain around one @")
    return Secret(parse(value))


def host(value: str) -> str:
    """Take a host's name or address."""
    if _address(value) is None and re.fullmatch(_HOST, value) is None:
        raise Unfit("must be the name or the address of a host")
    return value.lower()


def senders(value: str) -> frozenset[str]:
    """Take domains and bare JIDs."""
    parse = matching(rf"{_HOST}|{_JID}", "must be domains or bare JIDs, separated by commas")
    return frozenset(parse(each.lower()) for each in listed(value))


def listed(value: str) -> tuple[str, ...]:
    """Answer the parts between commas, without empty ones."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def url(value: str) -> str:
    """Take an https URL, or an http one of this very machine; nothing secret may be in it."""
    parts = _split(value)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Unfit("must be a URL without user, query and fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return value
    raise Unfit("must be an https:// URL; http:// is only for this machine's own addresses")


def base_url(value: str) -> str:
    """Take a URL to which paths are appended; answer it with the slash at its end."""
    return f"{url(value).removesuffix('/')}/"


def _split(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise Unfit("must be a URL") from None
    # What urlsplit silently takes out of a URL is still in the text.
    if not parts.hostname or re.search(r"[\s\x00-\x20\\]", value) or not value.isprintable():
        raise Unfit("must be a URL with a host")
    return parts


def is_loopback(name: str) -> bool:
    """Whether this host is the machine itself."""
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def number(least: int, most: int) -> Callable[[str], int]:
    """Take a whole number within these."""

    def parse(value: str) -> int:
        digits = re.fullmatch(r"0*([0-9]{1,9})", value)
        if digits is None or not least <= int(digits[1]) <= most:
            raise Unfit(f"must be a whole number from {least} to {most}")
        return int(digits[1])

    return parse


def minutes(most: int) -> Callable[[str], timedelta]:
    """Take minutes, fractions included."""
    return _duration(timedelta(minutes=1), most, "minutes")


def seconds(most: int) -> Callable[[str], timedelta]:
    """Take seconds, fractions included."""
    return _duration(timedelta(seconds=1), most, "seconds")


def _duration(unit: timedelta, most: int, units: str) -> Callable[[str], timedelta]:
    def parse(value: str) -> timedelta:
        plain = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value)
        if plain is None or not _MOMENT <= float(value) * unit <= most * unit:
            raise Unfit(f"must be a number of {units} above 0, at most {most}")
        return float(value) * unit

    return parse


def clock_time(value: str) -> time:
    """Take a time of day."""
    parts = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", value, re.ASCII)
    if parts is None:
        raise Unfit("must be a time of day from 00:00 to 23:59")
    return time(int(parts[1]), int(parts[2]))


def hours(value: str) -> tuple[time, time] | None:
    """Take a span of the day, which may go past midnight, or none."""
    if _is_none(value):
        return None
    try:
        begin, end = map(clock_time, re.split(r"\s*-\s*", value))
    except (Unfit, ValueError):
        raise Unfit("must be two times of day with a hyphen, or none") from None
    if begin == end:
        raise Unfit("must begin and end at different times")
    return begin, end


def days(value: str) -> frozenset[int]:
    """Take names of weekdays, short or long, or none. Monday is 0."""
    names = () if _is_none(value) else listed(value)
    return frozenset(_weekday(each.lower()) for each in names)


def _is_none(value: str) -> bool:
    # Elastic Beanstalk's command line takes nothing for no setting at all.
    return value.lower() in {"", "none"}


def _weekday(name: str) -> int:
    for number_of_day, day in enumerate(_WEEKDAYS):
        if name in {day, day[:3]}:
            return number_of_day
    raise Unfit("must be weekdays separated by commas, or none")


def zone(value: str) -> ZoneInfo:
    """Take the IANA's name of a time zone."""
    # The names are looked up first: ZoneInfo opens whatever file a name leads to.
    if value in _zones():
        return ZoneInfo(value)
    similar = difflib.get_close_matches(value[:50], _zones(), n=1)
    hint = f" (did you mean {similar[0]}?)" if similar else ""
    raise Unfit(f"must be the IANA name of a time zone{hint}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def daemon(value: str) -> tuple[str, int]:
    """Take a host and a port, as the X-Ray daemon's address is written; of two, that for UDP."""
    udp = [each.removeprefix("udp:") for each in value.split() if each.startswith("udp:")]
    name, _, port = (udp[0] if udp else value).rpartition(":")
    try:
        return host(name.removeprefix("[").removesuffix("]")), number(1, 65535)(port)
    except Unfit:
        raise Unfit("must be a host and a port, or tcp:HOST:PORT udp:HOST:PORT") from None


def one_of(*words: _Word) -> Callable[[str], _Word]:
    """Take one of these words, in any case."""

    def parse(value: str) -> _Word:
        for word in words:
            if value.lower() == word.lower():
                return word
        raise Unfit(f"must be one of {', '.join(words)}")

    return parse

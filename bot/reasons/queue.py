"""Who joined, who left, who is passed over from now on, and why."""

from collections.abc import Iterator
from datetime import datetime

from bot.effects import (
    Effect,
    TellMissedThrice,
    TellMissedTwice,
    TellPassedOver,
    TellQuietBegan,
    TellRemoved,
    TellTimeIsUp,
)
from bot.events import Event, ForgetConfirmed, LeaveRequested, OfferAnswered
from bot.reasons.words import moment, place_of
from queue_store.site import Because, Entry, Site

_WHY = {
    Because.ASKED: "asked for it",
    Because.NOT_NOW: "said not now",
    Because.MISSED: "missed a call",
    Because.PASSED_OVER: "was passed over",
}


def joined(before: Site, after: Site, *, now: datetime) -> Iterator[str]:
    """Say who has a place now who had none."""
    for place, entry in enumerate(after.queue, start=1):
        if before.entry(entry.driver) is None:
            until = f" until {moment(entry.until, now=now)}" if entry.until else ""
            yield f"{entry.driver} at {place}{until}"


def left(before: Site, after: Site, event: Event, effects: tuple[Effect, ...]) -> Iterator[str]:
    """Say whose entry ended, and why."""
    for entry in before.queue:
        if after.entry(entry.driver) is None:
            yield f"{entry.driver}: {_why_left(entry.driver, before, after, event, effects)}"


def suspended(
    before: Site, after: Site, effects: tuple[Effect, ...], *, now: datetime
) -> Iterator[str]:
    """Say who is passed over from now on, until when, and why."""
    passed = {told.driver: told.by for told in effects if isinstance(told, TellPassedOver)}
    for entry in after.queue:
        was = before.entry(entry.driver)
        same = was is not None and (was.suspended, was.resumes) == (entry.suspended, entry.resumes)
        if entry.suspended is not None and not same:
            by = f" by {passed[entry.driver]}" if entry.driver in passed else ""
            yield f"{entry.driver} {suspension(entry, now=now)}{by}"


def suspension(entry: Entry, *, now: datetime) -> str:
    """Say until when a driver is passed over, and why."""
    until = moment(entry.resumes, now=now) if entry.resumes else "they resume"
    why = _WHY[entry.suspended] if entry.suspended else "not at all"
    return f"until {until}, {why}"


def resumed(before: Site, after: Site, event: Event) -> Iterator[str]:
    """Say who is in the running again."""
    asker = getattr(event, "asker", None)
    for entry in after.queue:
        was = before.entry(entry.driver)
        if was is not None and was.suspended is not None and entry.suspended is None:
            asked = asker is not None and asker.driver == entry.driver
            yield f"{entry.driver}: {'asked for it' if asked else 'the time is up'}"


def to_bottom(after: Site, effects: tuple[Effect, ...]) -> Iterator[str]:
    """Say who lost their place without losing their entry."""
    for told in effects:
        if isinstance(told, TellMissedTwice):
            yield f"{told.driver} at {place_of(told.driver, after)}: missed a second call today"


def misses(before: Site, after: Site) -> Iterator[str]:
    """Say whose misses were counted."""
    for driver, counted in after.misses.items():
        if before.misses.get(driver) != counted:
            yield f"{driver}: {counted.count} today"


def _why_left(
    driver: str, before: Site, after: Site, event: Event, effects: tuple[Effect, ...]
) -> str:
    for told in effects:
        if getattr(told, "driver", None) == driver and (why := _told(told)):
            return why
    for port, session in after.sessions_of(driver):
        if session.number not in {each.number for _, each in before.sessions_of(driver)}:
            return f"plugged in at {port.name}"
    asker = getattr(event, "asker", None)
    if asker is not None and asker.driver == driver:
        return _wished(event)
    return f"by {type(event).__name__}"


def _told(told: Effect) -> str | None:
    match told:
        case TellMissedThrice():
            return "missed a third call today"
        case TellTimeIsUp():
            return "wanted to wait until now"
        case TellQuietBegan():
            return "quiet hours began"
        case TellRemoved(by=by):
            return f"removed by {by}"
        case _:
            return None


def _wished(event: Event) -> str:
    match event:
        case LeaveRequested() | OfferAnswered():
            return "wished so"
        case ForgetConfirmed():
            return "had everything deleted"
        case _:
            return f"by {type(event).__name__}"

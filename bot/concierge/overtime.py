"""A car that has been on a port for long is politely asked to move."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from msgspec.structs import replace

from bot.concierge import silence
from bot.concierge.step import Step
from bot.effects import AskToMove, TellMoveAnswer, UpdateAskToMove
from bot.rules import Rules
from queue_store.site import Availability, Port, Promise, Session, Site

LONGEST_STAY = timedelta(hours=8)
A_MINUTE = timedelta(minutes=1)


def ask_to_move(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Ask everybody who is over time; again only while somebody waits, and not for ever."""
    effects = []
    may_ask = rules.quiet.begun(now) is None and silence.outage(site, now=now, rules=rules) is None
    for port, session in _askable(site, rules) if may_ask else ():
        if _ask_at(session, rules) <= now:
            asked = _asked_again(session, now, rules)
            site = site.with_port(replace(port, session=asked))
            effects.append(_asked(port, asked))
    return Step(site, tuple(effects))


def leave_in_peace(
    site: Site, car: tuple[Port, Session], driver: str, at: datetime, *, now: datetime, rules: Rules
) -> Step:
    """Leave the driver in peace until then, and let the next one know; but say nothing twice."""
    (port, session), at = car, min(at, now + LONGEST_STAY)
    promise = Promise(at=at if at > now else None)
    if _is_repeated(promise, session.promise):
        return Step(site)
    ask_at = at if at > now else now + rules.nag_repeat
    promised = replace(session, ask_at=ask_at, promise=promise)
    minutes = ceil((at - now) / A_MINUTE)
    told = tuple(
        TellMoveAnswer(driver=entry.driver, about=driver, port=port.name, minutes=minutes, at=at)
        for entry in site.waiting[:1]
    )
    shown = UpdateAskToMove(
        session=session.number,
        asked=session.asked,
        driver=driver,
        port=port.name,
        minutes=minutes,
        at=at,
    )
    return Step(site.with_port(replace(port, session=promised)), (shown, *told))


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:
    """Say when somebody is to be asked."""
    for _, session in _askable(site, rules):
        yield rules.quiet.ends(max(_ask_at(session, rules), now))


def _askable(site: Site, rules: Rules) -> list[tuple[Port, Session]]:
    return [
        (port, port.session)
        for port in site.ports
        if port.session is not None
        and port.availability is Availability.IN_USE
        and not port.silent
        and port.session.asked < rules.nag_limit
        and (port.session.asked == 0 or site.waiting)
    ]


def _ask_at(session: Session, rules: Rules) -> datetime:
    return session.ask_at or session.since + rules.charging_limit


def _asked_again(session: Session, now: datetime, rules: Rules) -> Session:
    ask_at = now + rules.nag_repeat
    return replace(session, asked=session.asked + 1, ask_at=ask_at, promise=None)


def _is_repeated(promise: Promise, last: Promise | None) -> bool:
    """Whether the driver said the same before, as far as people can tell."""
    if last is None or last.at is None or promise.at is None:
        return promise == last
    return abs(promise.at - last.at) < A_MINUTE


def _asked(port: Port, session: Session) -> AskToMove:
    return AskToMove(
        session=session.number,
        asked=session.asked,
        driver=session.driver,
        port=port.name,
        since=session.since,
    )

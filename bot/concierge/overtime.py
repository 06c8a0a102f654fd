"""A car that has been on a port for long is politely asked to move."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.concierge.step import Step
from bot.effects import AskToMove, TellMoveAnswer, UpdateAskToMove
from bot.events import MoveAnswer
from bot.rules import Rules
from queue_store.site import Availability, Port, Session, Site

FIFTEEN_MINUTES = timedelta(minutes=15)


def ask_to_move(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Ask everybody who is over time; again only while somebody waits, and not for ever."""
    effects = []
    for port, session in _askable(site, rules):
        if _ask_at(session, rules) <= now:
            asked = replace(session, asked=session.asked + 1, ask_at=now + rules.nag_repeat)
            site = site.with_port(replace(port, session=asked))
            effects.append(
                AskToMove(
                    session=session.number,
                    asked=asked.asked,
                    driver=session.driver,
                    port=port.name,
                    since=session.since,
                )
            )
    return Step(site, tuple(effects))


def answered(
    site: Site, port: Port, session: Session, answer: MoveAnswer, *, now: datetime, rules: Rules
) -> Step:
    """Leave the driver in peace for as long as the answer asks, and let the next one know."""
    wait = FIFTEEN_MINUTES if answer is MoveAnswer.FIFTEEN_MINUTES else rules.nag_repeat
    driver = session.driver or ""
    site = site.with_port(replace(port, session=replace(session, ask_at=now + wait)))
    shown = UpdateAskToMove(
        session=session.number, asked=session.asked, driver=driver, port=port.name, answer=answer
    )
    told = tuple(
        TellMoveAnswer(driver=entry.driver, about=driver, port=port.name, answer=answer)
        for entry in site.waiting[:1]
    )
    return Step(site, (shown, *told))


def wakeups(site: Site, *, rules: Rules) -> Iterator[datetime]:
    """Say when somebody is to be asked."""
    return (_ask_at(session, rules) for _, session in _askable(site, rules))


def _askable(site: Site, rules: Rules) -> list[tuple[Port, Session]]:
    return [
        (port, port.session)
        for port in site.ports
        if port.session is not None
        and port.availability is Availability.IN_USE
        and port.session.asked < rules.nag_limit
        and (port.session.asked == 0 or site.waiting)
    ]


def _ask_at(session: Session, rules: Rules) -> datetime:
    return session.ask_at or session.since + rules.charging_limit

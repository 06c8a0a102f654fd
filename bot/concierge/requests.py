"""What people ask for, by command or button, and what they are answered."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from bot.concierge import offers, overtime, plug_ins
from bot.concierge.step import Step
from bot.concierge.suspensions import resumed, suspended
from bot.effects import CallOutcome, Effect, TellPassedOver, UpdateWhoPluggedIn
from bot.events import (
    Asker,
    HelpRequested,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    MoveAnswered,
    NextRequested,
    NotUnderstood,
    OfferAnswer,
    OfferAnswered,
    RegisterRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SessionDisowned,
    StatusRequested,
    SuspendRequested,
    UnregisterRequested,
)
from bot.replies import (
    AlreadyCharging,
    AlreadyIn,
    HelpText,
    Joined,
    Left,
    Listing,
    NobodyWaiting,
    NothingFree,
    NotInQueue,
    NotYourButton,
    NotYourRegistration,
    PassedOver,
    PortsListing,
    Puzzled,
    Registered,
    Reply,
    Resumed,
    Suspended,
    TooEarlyToPass,
    TooLate,
    Unregistered,
    WasNotSuspended,
)
from bot.rules import Rules
from queue_store.site import Availability, Entry, Offer, Port, Session, Site


class Answer(Struct, frozen=True):
    """A step and what the one who asked is told; None where the room's messages say it all."""

    step: Step
    reply: Reply | None = None


def answer(site: Site, request: Request, *, now: datetime, rules: Rules) -> Answer:  # noqa: C901, PLR0911, PLR0912 - one line for each request
    """Do what was asked, or say why not."""
    driver = request.asker.driver
    match request:
        case JoinRequested():
            return _join(site, driver, now=now)
        case LeaveRequested():
            return _leave(site, driver, now=now)
        case SuspendRequested(minutes=minutes):
            until = None if minutes is None else now + timedelta(minutes=minutes)
            return _suspend(site, driver, until=until, now=now)
        case ResumeRequested():
            return _resume(site, driver)
        case NextRequested(asker=asker):
            return _next(site, asker, now=now, rules=rules)
        case ListRequested():
            return Answer(Step(site), Listing(asker=driver))
        case StatusRequested():
            return Answer(Step(site), PortsListing())
        case RegisterRequested(user=user):
            return _register(site, driver, user)
        case UnregisterRequested(user=user):
            return _unregister(site, driver, user)
        case HelpRequested():
            return Answer(Step(site), HelpText())
        case NotUnderstood(words=words, suggestion=suggestion):
            return Answer(Step(site), Puzzled(words=words, suggestion=suggestion))
        case OfferAnswered():
            return _answer_offer(site, request, now=now, rules=rules)
        case MoveAnswered():
            return _answer_move(site, request, now=now, rules=rules)
        case SessionClaimed(session=session):
            return _claim(site, session, driver)
        case SessionDisowned(session=session):
            return _disown(site, session)
        case _ as never:
            assert_never(never)


def _join(site: Site, driver: str, *, now: datetime) -> Answer:
    entry = site.entry(driver)
    if entry is not None:
        place = AlreadyIn(driver=driver, position=_position(site, entry), suspended=entry.suspended)
        return Answer(Step(site), place)
    charging = site.sessions_of(driver)
    if charging:
        return Answer(Step(site), AlreadyCharging(port=charging[0].name))
    return Answer(Step(site.with_entry(Entry(driver=driver, joined=now))), Joined(driver=driver))


def _leave(site: Site, driver: str, *, now: datetime) -> Answer:
    if site.entry(driver) is None:
        return Answer(Step(site), NotInQueue())
    step = _without_offer(site, driver, CallOutcome.LEFT, now=now)
    return Answer(Step(step.site.without_entry(driver), step.effects), Left(driver=driver))


def _suspend(site: Site, driver: str, *, until: datetime | None, now: datetime) -> Answer:
    entry = site.entry(driver)
    if entry is None:
        return Answer(Step(site), NotInQueue())
    step = _without_offer(site, driver, CallOutcome.NOT_NOW, now=now)
    position = _position(site, entry)
    return Answer(
        Step(suspended(step.site, entry, until=until), step.effects),
        Suspended(driver=driver, position=position, resumes=until),
    )


def _resume(site: Site, driver: str) -> Answer:
    entry = site.entry(driver)
    if entry is None:
        return Answer(Step(site), NotInQueue())
    position = _position(site, entry)
    if not entry.suspended:
        return Answer(Step(site), WasNotSuspended(position=position))
    return Answer(Step(resumed(site, entry)), Resumed(driver=driver, position=position))


def _next(site: Site, asker: Asker, *, now: datetime, rules: Rules) -> Answer:
    if site.offers:
        return _pass_over(site, site.offers[0], asker, now=now, rules=rules)
    free = site.unoffered
    if not free:
        return Answer(Step(site), _longest_charging(site))
    # Whoever could be called has been: free ports are offered as soon as somebody waits.
    names = tuple(port.name for port in free)
    return Answer(Step(site), NobodyWaiting(ports=names, suspended=len(site.queue)))


def _pass_over(site: Site, offer: Offer, asker: Asker, *, now: datetime, rules: Rules) -> Answer:
    port = _port_name(site, offer.port)
    privileged = asker.admin or asker.driver == offer.driver
    if not privileged and _in_first_half(offer, now=now, rules=rules):
        return Answer(Step(site), TooEarlyToPass(driver=offer.driver, port=port))
    resumes = now + rules.suspension
    over = offers.end(site, offer, CallOutcome.PASSED_OVER, now=now)
    entry = over.site.entry(offer.driver)
    told: tuple[Effect, ...] = ()
    if entry is not None:
        over = Step(suspended(over.site, entry, until=resumes), over.effects)
        told = (TellPassedOver(driver=offer.driver, by=asker.driver, resumes=resumes),)
    reply = PassedOver(driver=offer.driver, by=asker.driver, port=port)
    return Answer(Step(over.site, over.effects + told), reply)


def _in_first_half(offer: Offer, *, now: datetime, rules: Rules) -> bool:
    if offer.deadline is None:
        return True
    allowed = rules.accepted_offer if offer.accepted else rules.offer
    return now < offer.deadline - allowed / 2


def _longest_charging(site: Site) -> NothingFree:
    sessions = [
        (port.session.since, port, port.session)
        for port in site.ports
        if port.session is not None and port.availability is Availability.IN_USE
    ]
    if not sessions:
        return NothingFree()
    since, port, session = min(sessions, key=lambda each: each[0])
    return NothingFree(
        port=port.name, driver=session.driver, since=since, since_known=session.since_known
    )


def _register(site: Site, driver: str, user: str) -> Answer:
    owner = site.registrations.get(user)
    if owner not in (None, driver):
        return Answer(Step(site), NotYourRegistration(user=user))
    step = Step(replace(site, registrations={**site.registrations, user: driver}))
    reply = Registered(user=user)
    for port, session in _sessions(site, lambda session: session.user == user):
        if session.driver is None:
            step = step.and_then(plug_ins.identify(step.site, port, session, driver))
            reply = Registered(user=user, port=port.name)
    return Answer(step, reply)


def _unregister(site: Site, driver: str, user: str) -> Answer:
    if site.registrations.get(user) != driver:
        return Answer(Step(site), NotYourRegistration(user=user))
    kept = {each: owner for each, owner in site.registrations.items() if each != user}
    return Answer(Step(replace(site, registrations=kept)), Unregistered(user=user))


def _answer_offer(site: Site, request: OfferAnswered, *, now: datetime, rules: Rules) -> Answer:
    offer = next((each for each in site.offers if each.number == request.offer), None)
    if offer is None:
        return Answer(Step(site), TooLate())
    if offer.driver != request.asker.driver:
        return Answer(Step(site), NotYourButton(driver=offer.driver))
    match request.answer:
        case OfferAnswer.ON_MY_WAY:
            return Answer(offers.accept(site, offer, now=now, rules=rules))
        case OfferAnswer.NOT_NOW:
            until = now + rules.suspension
            return Answer(_suspend(site, offer.driver, until=until, now=now).step)
        case OfferAnswer.LEAVE:
            return Answer(_leave(site, offer.driver, now=now).step)
        case _ as never:
            assert_never(never)


def _answer_move(site: Site, request: MoveAnswered, *, now: datetime, rules: Rules) -> Answer:
    for port, session in _sessions(site, lambda session: session.number == request.session):
        if session.driver != request.asker.driver:
            return Answer(Step(site), NotYourButton(driver=session.driver))
        step = overtime.answered(site, port, session, request.answer, now=now, rules=rules)
        return Answer(step)
    return Answer(Step(site), TooLate())


def _claim(site: Site, number: int, driver: str) -> Answer:
    for port, session in _sessions(site, lambda session: session.number == number):
        if session.driver is not None:
            return Answer(Step(site), NotYourButton(driver=session.driver))
        owner = site.registrations.get(session.user or "", driver)
        if owner != driver:
            return Answer(Step(site), NotYourButton(driver=owner))
        if session.user is not None:
            registrations = {**site.registrations, session.user: driver}
            site = replace(site, registrations=registrations)
        return Answer(plug_ins.identify(site, port, session, driver))
    return Answer(Step(site), TooLate())


def _disown(site: Site, number: int) -> Answer:
    for port, session in _sessions(site, lambda session: session.number == number):
        if session.driver is not None:
            return Answer(Step(site), NotYourButton(driver=session.driver))
        shown = UpdateWhoPluggedIn(session=session.number, port=port.name, driver=None)
        return Answer(Step(site, (shown,)))
    return Answer(Step(site), TooLate())


def _without_offer(site: Site, driver: str, outcome: CallOutcome, *, now: datetime) -> Step:
    offer = site.offer_to(driver)
    return Step(site) if offer is None else offers.end(site, offer, outcome, now=now)


def _sessions(site: Site, wanted: Callable[[Session], bool]) -> list[tuple[Port, Session]]:
    return [
        (port, port.session)
        for port in site.ports
        if port.session is not None and wanted(port.session)
    ]


def _position(site: Site, entry: Entry) -> int:
    return site.position(entry.driver) or 0


def _port_name(site: Site, each: str) -> str:
    port = site.port(each)
    return port.name if port else each

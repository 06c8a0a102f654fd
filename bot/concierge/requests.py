"""What people ask for, by command or button, and what they are answered."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.concierge import buttons, holds, next_driver, places, registrations
from bot.concierge.answer import Answer, replied
from bot.concierge.suspensions import resumed
from bot.effects import CallOutcome, TellRemoved
from bot.events import (
    Asker,
    ClaimUndone,
    DisputeDecided,
    ForgetConfirmed,
    ForgetRequested,
    HelpRequested,
    IdentityAnswered,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    MoveAnswered,
    NextRequested,
    NotMine,
    NotUnderstood,
    OfferAnswered,
    PauseRequested,
    RegisterRequested,
    RemoveRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SessionDisowned,
    SmallTalked,
    StatusRequested,
    SuspendRequested,
    UnpauseRequested,
    UnregisterRequested,
    WhyRequested,
)
from bot.quiet import moment
from bot.replies import (
    AdminsOnly,
    AlreadyCharging,
    AlreadyIn,
    ConfirmForget,
    DriverNotInQueue,
    HelpText,
    Joined,
    Left,
    Listing,
    NotInQueue,
    PortsListing,
    Puzzled,
    Removed,
    Reply,
    Resumed,
    SmallTalkReply,
    Suspended,
    TooFarAhead,
    WasNotSuspended,
    Why,
)
from bot.rules import Rules
from queue_store.site import Because, Entry, Site

MOST_HOURS_AHEAD = 12

Said = HelpRequested | NotUnderstood | SmallTalked | ForgetRequested
Looks = ListRequested | StatusRequested | WhyRequested
Buttons = (
    OfferAnswered
    | MoveAnswered
    | IdentityAnswered
    | SessionClaimed
    | SessionDisowned
    | ClaimUndone
    | NotMine
)


def answer(site: Site, request: Request, *, now: datetime, rules: Rules) -> Answer:  # noqa: C901, PLR0911, PLR0912 - one line for each request
    """Do what was asked, or say why not."""
    asker = request.asker
    match request:
        case JoinRequested():
            return _join(site, request, now=now, rules=rules)
        case LeaveRequested():
            return leave(site, asker.driver, now=now)
        case RemoveRequested(driver=driver):
            return _remove(site, asker, driver, now=now)
        case SuspendRequested(minutes=minutes):
            return _suspend(site, asker.driver, minutes, now=now, rules=rules)
        case ResumeRequested():
            return _resume(site, asker.driver)
        case NextRequested():
            return next_driver.answer(site, asker, now=now, rules=rules)
        case RegisterRequested(user=user):
            return registrations.register(site, asker.driver, user, now=now, rules=rules)
        case UnregisterRequested(user=user):
            return registrations.unregister(site, asker.driver, user)
        case DisputeDecided():
            return registrations.decide_dispute(site, request)
        case ForgetConfirmed():
            return registrations.forget(site, asker.driver, now=now)
        case PauseRequested(port=words):
            return holds.pause(site, asker, words)
        case UnpauseRequested(port=words):
            return holds.unpause(site, asker, words, now=now)
        case ListRequested() | StatusRequested() | WhyRequested():
            return replied(site, _look(request))
        case HelpRequested() | NotUnderstood() | SmallTalked() | ForgetRequested():
            return replied(site, _said(request))
        case _:
            return _pressed(site, request, now=now, rules=rules)


def leave(site: Site, driver: str, *, now: datetime) -> Answer:
    """Let the driver go; a held offer passes on at once."""
    if site.entry(driver) is None:
        return replied(site, NotInQueue())
    return Answer(places.give_up(site, driver, CallOutcome.LEFT, now=now), Left(driver=driver))


def _pressed(site: Site, request: Buttons, *, now: datetime, rules: Rules) -> Answer:  # noqa: PLR0911 - one for each
    match request:
        case OfferAnswered():
            return buttons.answer_offer(site, request, now=now, rules=rules)
        case MoveAnswered():
            return buttons.answer_move(site, request, now=now, rules=rules)
        case IdentityAnswered():
            return buttons.answer_identity(site, request, now=now, rules=rules)
        case SessionClaimed(session=session, asker=asker):
            return registrations.claim(site, session, asker.driver, now=now, rules=rules)
        case SessionDisowned(session=session):
            return registrations.disown(site, session)
        case ClaimUndone():
            return registrations.undo_claim(site, request, now=now, rules=rules)
        case NotMine(session=session, asker=asker):
            return registrations.not_mine(site, session, asker.driver)


def _look(request: Looks) -> Reply:
    match request:
        case ListRequested(asker=asker):
            return Listing(asker=asker.driver)
        case StatusRequested():
            return PortsListing()
        case WhyRequested(asker=asker):
            return Why(asker=asker.driver)


def _said(request: Said) -> Reply:
    match request:
        case HelpRequested():
            return HelpText()
        case NotUnderstood(words=words, suggestion=suggestion):
            return Puzzled(words=words, suggestion=suggestion)
        case SmallTalked(talk=talk):
            return SmallTalkReply(talk=talk)
        case ForgetRequested():
            return ConfirmForget()


def _join(site: Site, request: JoinRequested, *, now: datetime, rules: Rules) -> Answer:
    driver, until = request.asker.driver, _until(request, now=now, rules=rules)
    if until is not None and until - now > timedelta(hours=MOST_HOURS_AHEAD):
        return replied(site, TooFarAhead(hours=MOST_HOURS_AHEAD))
    place = site.place(driver)
    if place is not None:
        return _already_in(site, *place, until)
    charging = site.sessions_of(driver)
    if charging:
        port, session = charging[0]
        return replied(site, AlreadyCharging(port=port.name, session=session.number))
    # Who joins anew has no use of an old place that a claim once cost them.
    claims = tuple(replace(c, entry=None) if c.driver == driver else c for c in site.claims)
    site = replace(site, claims=claims)
    joined = site.with_entry(Entry(driver=driver, joined=now, until=until))
    return replied(joined, Joined(driver=driver, until=until))


def _already_in(site: Site, position: int, entry: Entry, until: datetime | None) -> Answer:
    entry = replace(entry, until=until or entry.until)
    reply = AlreadyIn(
        driver=entry.driver,
        position=position,
        suspended=entry.suspended,
        until=entry.until,
    )
    return replied(site.with_entry(entry), reply)


def _until(request: JoinRequested, *, now: datetime, rules: Rules) -> datetime | None:
    """Answer the next moment at which the site's clocks show the time that was said."""
    if request.until is None:
        return None
    today = datetime.combine(rules.day(now), request.until)
    at = moment(rules.zone, today)
    return at if at > now else moment(rules.zone, today + timedelta(days=1))


def _remove(site: Site, asker: Asker, driver: str, *, now: datetime) -> Answer:
    if driver == asker.driver:
        return leave(site, driver, now=now)
    if not asker.admin:
        return replied(site, AdminsOnly())
    if site.entry(driver) is None:
        return replied(site, DriverNotInQueue(driver=driver))
    step = places.give_up(site, driver, CallOutcome.LEFT, now=now)
    told = TellRemoved(driver=driver, by=asker.driver)
    return Answer(step.saying(told), Removed(driver=driver, by=asker.driver))


def _suspend(
    site: Site, driver: str, minutes: float | None, *, now: datetime, rules: Rules
) -> Answer:
    place, offer = site.place(driver), site.offer_to(driver)
    if place is None:
        return replied(site, NotInQueue())
    span = None if minutes is None else timedelta(minutes=minutes)
    if span is None and offer is not None:
        span = rules.suspension
    until = None if span is None else now + span
    because = Because.ASKED if offer is None else Because.NOT_NOW
    step = places.give_way(site, driver, because, until=until, now=now)
    return Answer(step, Suspended(driver=driver, position=place[0], resumes=until))


def _resume(site: Site, driver: str) -> Answer:
    place = site.place(driver)
    if place is None:
        return replied(site, NotInQueue())
    position, entry = place
    if entry.suspended is None:
        return replied(site, WasNotSuspended(position=position))
    return replied(resumed(site, entry), Resumed(driver=driver, position=position))

"""The month with the bot: its real rules, and people who do as they are called, or don't."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import partial

from bot.concierge import decide, next_wakeup
from bot.effects import (
    AskToMove,
    CallDriver,
    CallOutcome,
    Effect,
    ToCard,
    ToDriver,
    ToRoom,
    UpdateCall,
    destination,
    offer_card,
)
from bot.events import (
    Asker,
    CardPosted,
    ClockTicked,
    Event,
    JoinRequested,
    LeaveRequested,
    MoveAnswered,
    OfferAnswer,
    OfferAnswered,
    PortsRead,
    RegisterRequested,
)
from bot.quiet import QuietTimes
from bot.rules import Rules
from chargepoint.events import PortReading, PortStatus, PortStatusChanged, SessionStarted
from playground.month.people import ZONE, Visit
from playground.month.tally import Tally
from playground.month.timeline import Timeline
from queue_store.site import Port, Site, is_free

RULES = Rules(
    zone=ZONE, quiet=QuietTimes(zone=ZONE, hours=(time(20), time(6)), days=frozenset({5, 6}))
)
READING = timedelta(minutes=5)
A_MOMENT = timedelta(minutes=1)


def with_bot(visits: Sequence[Visit], ports: int) -> Tally:
    """Run the month and answer what came of it."""
    month = _WithBot(visits, ports)
    month.timeline.run()
    return month.tally


class _WithBot:
    def __init__(self, visits: Sequence[Visit], ports: int) -> None:
        self.tally = Tally()
        self.timeline = Timeline(visits[0].arrives - READING)
        self._site = Site(id="office")
        self._today: dict[str, Visit] = {}
        self._excused: set[tuple[str, datetime]] = set()
        self._last = visits[-1].leaves
        self._readings = tuple(
            PortReading(station=f"1:{n}", port="1", name=f"P{n}", status=PortStatus.AVAILABLE)
            for n in range(ports)
        )
        self._happens(PortsRead(ports=self._readings))
        for visit in visits:
            self.tally.visits += 1
            self.timeline.plan(visit.arrives, partial(self._arrives, visit))
            self.timeline.plan(visit.leaves, partial(self._goes_home, visit))
        self.timeline.plan(self.timeline.now + READING, self._reads)

    # What people do

    def _arrives(self, visit: Visit) -> None:
        self._today[visit.driver] = visit
        asker = Asker(driver=visit.driver)
        self._happens(RegisterRequested(asker=asker, user=visit.user))
        free = [port for port in self._site.ports if is_free(port)]
        if visit.jumps and free:
            self._plugs_in(visit, free[0])
        else:
            self._happens(JoinRequested(asker=asker))

    def _is_called(self, call: CallDriver) -> None:
        visit, now = self._today[call.driver], self.timeline.now
        first = (visit.driver, visit.arrives) not in self._excused
        self._excused.add((visit.driver, visit.arrives))
        if first and visit.no_show:
            return
        said = OfferAnswer.NOT_NOW if first and visit.not_now else OfferAnswer.ON_MY_WAY
        self.timeline.plan(now + A_MOMENT, lambda: self._answers(call, said))
        if said is OfferAnswer.ON_MY_WAY:
            self.timeline.plan(now + visit.walk, lambda: self._gets_there(visit))

    def _answers(self, call: CallDriver, said: OfferAnswer) -> None:
        asker = Asker(driver=call.driver)
        self._happens(OfferAnswered(asker=asker, offer=call.offer, answer=said))

    def _gets_there(self, visit: Visit) -> None:
        offer = self._site.offer_to(visit.driver)
        port = self._site.port(offer.port) if offer else None
        if port is not None and port.session is None and self.timeline.now < visit.leaves:
            self._plugs_in(visit, port)
        else:
            self.tally.walks_in_vain += 1

    def _plugs_in(self, visit: Visit, port: Port) -> None:
        now = self.timeline.now
        self.tally.served(visit.arrives, now)
        self._happens(
            SessionStarted(
                station=port.station,
                port=port.number,
                session=f"{visit.driver}-{now.timestamp():.0f}",
                user=visit.user,
                started=now,
            )
        )
        full = now + visit.needs
        self.timeline.plan(
            min(full + visit.lingers, visit.leaves), lambda: self._drives_off(visit, port)
        )

    def _drives_off(self, visit: Visit, port: Port) -> None:
        there = self._site.port(port.id)
        if there and there.session and there.session.user == visit.user:
            self._happens(
                PortStatusChanged(
                    station=port.station, port=port.number, status=PortStatus.AVAILABLE
                )
            )

    def _is_asked_to_move(self, asked: AskToMove) -> None:
        found, visit = self._site.session(asked.session), self._today[asked.driver or ""]
        if found is None:
            return
        port, session = found
        full, now = session.since + visit.needs, self.timeline.now
        asker = Asker(driver=visit.driver)
        minutes = max(0, round((full - now).total_seconds() / 60))
        self._happens(MoveAnswered(asker=asker, session=asked.session, minutes=minutes))
        gone = max(full, now) + visit.moves
        self.timeline.plan(min(gone, visit.leaves), lambda: self._drives_off(visit, port))

    def _goes_home(self, visit: Visit) -> None:
        if self._site.entry(visit.driver) is not None:
            self._happens(LeaveRequested(asker=Asker(driver=visit.driver)))

    # What the world does

    def _reads(self) -> None:
        statuses = {
            port.station: (
                PortStatus.INUSE if port.session else PortStatus.AVAILABLE,
                port.session.user if port.session else None,
            )
            for port in self._site.ports
        }
        readings = tuple(
            PortReading(
                station=each.station,
                port=each.port,
                name=each.name,
                status=statuses[each.station][0],
                user=statuses[each.station][1],
            )
            for each in self._readings
        )
        self._happens(PortsRead(ports=readings))
        if self.timeline.now < self._last:
            self.timeline.plan(self.timeline.now + READING, self._reads)

    def _happens(self, event: Event) -> None:
        now = self.timeline.now
        decision = decide(self._site, event, now=now, rules=RULES)
        self._site = decision.site
        for effect in decision.effects:
            self._is_said(effect)
        if decision.reply is not None and decision.reply.PUBLIC:
            self.tally.messages += 1
        waiting = sum(entry.suspended is None for entry in self._site.queue)
        free = sum(port.session is None for port in self._site.ports)
        self.tally.passes(now, free=free, waiting=waiting)
        wakeup = next_wakeup(self._site, now=now, rules=RULES)
        if wakeup is not None and wakeup < self._last:
            self.timeline.plan(wakeup, self._tick)

    def _tick(self) -> None:
        wakeup = next_wakeup(self._site, now=self.timeline.now - A_MOMENT, rules=RULES)
        if wakeup is not None and wakeup <= self.timeline.now:
            self._happens(ClockTicked())

    def _is_said(self, effect: Effect) -> None:
        match destination(effect):
            case ToRoom():
                self.tally.messages += 1
            case ToCard():
                self.tally.edits += 1
            case ToDriver():
                self.tally.private += 1
        match effect:
            case CallDriver():
                now = self.timeline.now
                posted = CardPosted(card=offer_card(effect.offer), at=now)
                self.timeline.plan(now, lambda: self._happens(posted))
                self._is_called(effect)
            case AskToMove(driver=str()):
                self.timeline.plan(
                    self.timeline.now + A_MOMENT, lambda: self._is_asked_to_move(effect)
                )
            case UpdateCall(outcome=CallOutcome.MISSED):
                self.tally.missed += 1
            case _:
                pass

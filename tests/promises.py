"""A witness of all that is decided for a site, who holds it to the product's promises."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import get_args

import msgspec

from bot.concierge import Decision, decide, next_wakeup
from bot.concierge.silence import outage
from bot.effects import (
    AnnounceFree,
    AskToMove,
    CallDriver,
    CallOutcome,
    Carded,
    Effect,
    RemindIdle,
    SummariseOutage,
    TellMissedTwice,
    ToCard,
    UpdateCall,
    card_of,
    destination,
    offer_card,
)
from bot.events import CardPosted, ClaimUndone, ClockTicked, Event, NotMine
from bot.messages import Reader, answer, render
from bot.rules import Rules
from chargepoint.events import StationEvent
from queue_store.site import Availability, Offer, Site, is_free, is_out_of_service
from queue_store.stored import decoded, encoded

A_MOMENT = timedelta(milliseconds=1)


class Witness:
    """Lets things happen to a site, and checks every promise after each of them."""

    def __init__(self, *, rules: Rules, now: datetime) -> None:
        self.rules = rules
        self.now = now
        self.site = Site(id="office")
        self.cards: set[str] = set()
        self.unposted: list[str] = []

    def happens(self, event: Event) -> Decision:
        """Let it happen, and answer what was decided."""
        before = self.site
        decision = decide(before, event, now=self.now, rules=self.rules)
        self.site = decision.site
        self._cards_are_posted_before_they_are_edited(decision.effects)
        self._everything_can_be_said(decision)
        self._quiet_hours_are_quiet(decision.effects)
        self._misses_are_fair(before, decision)
        self._order_is_kept(before, event, decision)
        self._the_first_who_wait_are_called(decision)
        self._a_repeated_delivery_changes_nothing(event)
        self._who_is_forgotten_is_nowhere(decision)
        assert_sensible(self.site)
        self._nobody_waits_beside_a_free_port()
        self._time_alone_changes_nothing_before_the_next_wakeup()
        return decision

    def _who_is_forgotten_is_nowhere(self, decision: Decision) -> None:
        """Whatever they did, and whoever else had to do with them."""
        if decision.forgotten is not None:
            assert decision.forgotten not in encoded(decision.site).decode()

    def posts(self) -> None:
        """Let Slack post the call that has waited longest."""
        if self.unposted:
            self.happens(CardPosted(card=self.unposted.pop(0), at=self.now))

    @property
    def wakeup(self) -> datetime | None:
        """When the rules ask to be woken."""
        return next_wakeup(self.site, now=self.now, rules=self.rules)

    def restarts(self) -> None:
        """Go on with what was stored."""
        site = decoded(encoded(self.site), site="office")
        assert site == self.site
        self.site = site

    def _cards_are_posted_before_they_are_edited(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if not isinstance(effect, get_args(Carded)):
                continue
            card = card_of(effect)
            edits = isinstance(destination(effect), ToCard)
            assert (card in self.cards) == edits, f"{effect} of {self.cards}"
            self.cards.add(card)
            if isinstance(effect, CallDriver):
                self.unposted.append(offer_card(effect.offer))

    def _everything_can_be_said(self, decision: Decision) -> None:
        reader = Reader(now=self.now, zone=self.rules.zone, rules=self.rules, names={})
        for effect in decision.effects:
            assert render(effect, reader).text
            assert msgspec.json.decode(msgspec.json.encode(effect), type=Effect) == effect
        if decision.reply is not None:
            assert answer(decision.reply, reader).text

    def _quiet_hours_are_quiet(self, effects: tuple[Effect, ...]) -> None:
        if self.rules.quiet.begun(self.now) is None:
            return
        for effect in effects:
            assert not isinstance(effect, AnnounceFree | RemindIdle | AskToMove)
            assert not isinstance(effect, SummariseOutage) or not effect.freed

    def _misses_are_fair(self, before: Site, decision: Decision) -> None:
        for effect in decision.effects:
            if not isinstance(effect, UpdateCall) or effect.outcome is not CallOutcome.MISSED:
                continue
            offer = next(offer for offer in before.offers if offer.number == effect.offer)
            assert_ran_out(offer, before, now=self.now, rules=self.rules)
            if self.rules.quiet.begun(self.now) is not None:
                assert before.misses.get(offer.driver) == self.site.misses.get(offer.driver)

    def _order_is_kept(self, before: Site, event: Event, decision: Decision) -> None:
        """Nobody overtakes anybody: those who stay keep their order, those who come are last."""
        moved = {e.driver for e in decision.effects if isinstance(e, TellMissedTwice)}
        if isinstance(event, ClaimUndone | NotMine):
            moved |= {claim.driver for claim in before.claims if claim.session == event.session}
        was = [entry.driver for entry in before.queue]
        stayed = [entry.driver for entry in self.site.queue if entry.driver not in moved]
        order = [was.index(driver) if driver in was else len(was) for driver in stayed]
        assert all(earlier <= later for earlier, later in pairwise(order))
        if not isinstance(event, ClaimUndone | NotMine):
            bottom = [entry.driver for entry in self.site.queue][len(stayed) :]
            assert set(bottom) <= moved

    def _the_first_who_wait_are_called(self, decision: Decision) -> None:
        for effect in decision.effects:
            if isinstance(effect, CallDriver) and self.site.entry(effect.driver):
                behind = self.site.behind(effect.driver)
                assert {entry.driver for entry in self.site.waiting} <= set(behind)

    def _nobody_waits_beside_a_free_port(self) -> None:
        """Nobody can be called to a port of which nobody knows how it is."""
        if outage(self.site, now=self.now, rules=self.rules) is None:
            assert not (self.site.unoffered and self.site.waiting)

    def _a_repeated_delivery_changes_nothing(self, event: Event) -> None:
        if isinstance(event, StationEvent | CardPosted):
            again = decide(self.site, event, now=self.now, rules=self.rules)
            assert (again.site, again.effects) == (self.site, ())

    def _time_alone_changes_nothing_before_the_next_wakeup(self) -> None:
        wakeup = self.wakeup
        assert wakeup is None or wakeup > self.now
        until = self.now + timedelta(days=30) if wakeup is None else wakeup - A_MOMENT
        idle = decide(self.site, ClockTicked(), now=max(until, self.now), rules=self.rules)
        assert (idle.site, idle.effects) == (self.site, ())


def assert_sensible(site: Site) -> None:
    """Check what is true of every site at any moment."""
    drivers = [entry.driver for entry in site.queue]
    assert len(drivers) == len(set(drivers)), "somebody is in the queue twice"
    assert len({offer.port for offer in site.offers}) == len(site.offers)
    assert len({offer.driver for offer in site.offers}) == len(site.offers)
    for offer in site.offers:
        assert_standing(offer, site)
    for port in site.ports:
        assert port.session is None or port.availability is not Availability.AVAILABLE
        if port.session and port.session.driver and port.session.noticed:
            assert site.entry(port.session.driver) is None, "a car charges whose driver waits"


def assert_standing(offer: Offer, site: Site) -> None:
    """Check that the offer is of use to its driver, or that nobody knows yet."""
    entry, port = site.entry(offer.driver), site.port(offer.port)
    assert entry is not None
    assert entry.suspended is None
    assert port is not None
    unknown = port.session is not None and not port.session.noticed
    assert is_free(port) or unknown or (is_out_of_service(port) and offer.frozen is not None)


def assert_ran_out(offer: Offer, before: Site, *, now: datetime, rules: Rules) -> None:
    """Check that the driver had their time, and that the network would have told of them."""
    assert offer.deadline is not None
    assert offer.deadline <= now
    assert (offer.frozen, offer.asked) == (None, None)
    assert before.heard is not None
    assert offer.deadline < before.heard + rules.silence

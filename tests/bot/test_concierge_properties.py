"""Whatever happens in whatever order, the promises hold."""

from datetime import timedelta
from itertools import pairwise

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.concierge import decide, next_wakeup
from bot.effects import CallDriver, Effect, offer_card
from bot.events import (
    Asker,
    CardPosted,
    ClockTicked,
    Event,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    MoveAnswer,
    MoveAnswered,
    NextRequested,
    OfferAnswer,
    OfferAnswered,
    RegisterRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SessionDisowned,
    SuspendRequested,
    UnregisterRequested,
)
from bot.messages import Reader, answer, render
from bot.reconcile import missed
from bot.rules import Rules
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
    StationEvent,
)
from queue_store.site import Availability, Site, is_free
from tests.story import NINE, ZONE

DRIVERS = ("U0ADA", "U0GRACE", "U0ALAN", "U0HEDY")
USERS = ("700101", "700102", "700103", "700104", "600009")
STATIONS = ("1:330001", "1:330002", "1:330003")
RULES = Rules()

askers = st.builds(
    Asker, driver=st.sampled_from(DRIVERS), admin=st.booleans(), in_room=st.booleans()
)
numbers = st.integers(0, 12)
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(JoinRequested, asker=askers),
    st.builds(LeaveRequested, asker=askers),
    st.builds(
        SuspendRequested, asker=askers, minutes=st.none() | st.floats(0.1, 1440, allow_nan=False)
    ),
    st.builds(ResumeRequested, asker=askers),
    st.builds(NextRequested, asker=askers),
    st.builds(ListRequested, asker=askers),
    st.builds(RegisterRequested, asker=askers, user=st.sampled_from(USERS)),
    st.builds(UnregisterRequested, asker=askers, user=st.sampled_from(USERS)),
    st.builds(OfferAnswered, asker=askers, offer=numbers, answer=st.sampled_from(OfferAnswer)),
    st.builds(MoveAnswered, asker=askers, session=numbers, answer=st.sampled_from(MoveAnswer)),
    st.builds(SessionClaimed, asker=askers, session=numbers),
    st.builds(SessionDisowned, asker=askers, session=numbers),
)
stations = st.sampled_from((*STATIONS, "1:999999"))
users = st.none() | st.sampled_from(USERS)
network_ids = st.none() | st.sampled_from(("1", "2", "3"))
times = st.none() | st.sampled_from((NINE, NINE + timedelta(days=400), NINE - timedelta(days=9)))
station_events: st.SearchStrategy[StationEvent] = st.one_of(
    st.builds(
        SessionStarted,
        station=stations,
        port=st.just("1"),
        session=network_ids,
        user=users,
        started=times,
    ),
    st.builds(SessionStopped, station=stations, port=st.just("1"), session=network_ids),
    st.builds(SessionUpdated, station=stations, port=st.just("1"), session=network_ids),
    st.builds(
        PortStatusChanged, station=stations, port=st.just("1"), status=st.sampled_from(PortStatus)
    ),
)


class AnyDay(RuleBasedStateMachine):
    """Commands, buttons, cars, repeats, silence and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(id="office")
        self.now = NINE
        self.repeated: Event = ClockTicked()
        self.unposted: list[str] = []

    def _read(self, statuses: dict[str, tuple[PortStatus, str | None]]) -> None:
        readings = tuple(
            PortReading(station=station, port="1", name=station, status=status, user=user)
            for station, (status, user) in statuses.items()
        )
        for event in missed(self.site, readings, now=self.now, rules=RULES):
            self._happens(event)

    def _happens(self, event: Event) -> None:
        before = self.site
        decision = decide(before, event, now=self.now, rules=RULES)
        self.site = decision.site
        self.unposted += [
            offer_card(effect.offer)
            for effect in decision.effects
            if isinstance(effect, CallDriver)
        ]
        self.repeated = event
        self._everything_can_be_said(decision.effects)
        if decision.reply is not None:
            answer(decision.reply, self._reader())
        assert_order_is_kept(before, self.site)

    def _everything_can_be_said(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            assert render(effect, self._reader()).text
            assert msgspec.json.decode(msgspec.json.encode(effect), type=Effect) == effect

    def _reader(self) -> Reader:
        return Reader(now=self.now, zone=ZONE, rules=RULES, names={})

    @initialize()
    def bearings(self) -> None:
        self._read(dict.fromkeys(STATIONS, (PortStatus.AVAILABLE, None)))

    @rule(request=requests)
    def somebody_asks(self, request: Request) -> None:
        self._happens(request)

    @rule(event=station_events)
    def the_network_speaks(self, event: StationEvent) -> None:
        self._happens(event)

    @rule()
    def the_last_delivery_is_repeated(self) -> None:
        self._happens(self.repeated)

    @rule(
        statuses=st.dictionaries(
            st.sampled_from(STATIONS), st.tuples(st.sampled_from(PortStatus), users)
        )
    )
    def the_ports_are_read(self, statuses: dict[str, tuple[PortStatus, str | None]]) -> None:
        self._read(statuses)

    @rule(minutes=st.sampled_from((0.1, 1, 5, 10, 31, 151, 600)))
    def time_passes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self._happens(ClockTicked())

    @rule()
    def slack_posts_a_call(self) -> None:
        if self.unposted:
            self._happens(CardPosted(card=self.unposted.pop(0), at=self.now))

    @invariant()
    def nobody_is_in_the_queue_twice(self) -> None:
        drivers = [entry.driver for entry in self.site.queue]
        assert len(drivers) == len(set(drivers))

    @invariant()
    def nobody_who_could_be_called_waits_beside_a_free_port(self) -> None:
        assert not (self.site.unoffered and self.site.waiting)

    @invariant()
    def one_offer_a_port_and_one_a_driver_who_waits(self) -> None:
        offers = self.site.offers
        assert len({offer.port for offer in offers}) == len(offers)
        assert len({offer.driver for offer in offers}) == len(offers)
        for offer in offers:
            entry = self.site.entry(offer.driver)
            assert entry is not None
            assert not entry.suspended

    @invariant()
    def an_offered_port_is_free_or_a_car_was_not_introduced_yet(self) -> None:
        for offer in self.site.offers:
            port = self.site.port(offer.port)
            assert port is not None
            assert is_free(port) or (port.session is not None and not port.session.noticed)

    @invariant()
    def a_driver_is_charging_or_waiting_and_never_both_unnoticed(self) -> None:
        for port in self.site.ports:
            if port.session and port.session.driver and port.session.noticed:
                assert self.site.entry(port.session.driver) is None

    @invariant()
    def a_car_on_a_port_is_never_a_free_port(self) -> None:
        for port in self.site.ports:
            assert port.session is None or port.availability is not Availability.AVAILABLE

    @invariant()
    def time_alone_changes_nothing_before_the_next_wakeup(self) -> None:
        wakeup = next_wakeup(self.site, rules=RULES)
        assert wakeup is None or wakeup > self.now
        until = self.now + timedelta(days=30) if wakeup is None else wakeup
        idle = decide(self.site, ClockTicked(), now=until - timedelta(seconds=1), rules=RULES)
        assert (idle.site, idle.effects) == (self.site, ())

    @invariant()
    def the_site_survives_being_stored(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.site), type=Site) == self.site


def assert_order_is_kept(before: Site, after: Site) -> None:
    """Nobody overtakes anybody: those who stay keep their order, those who come are last."""
    was = [entry.driver for entry in before.queue]
    order = [was.index(e.driver) if e.driver in was else len(was) for e in after.queue]
    assert all(earlier <= later for earlier, later in pairwise(order))


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

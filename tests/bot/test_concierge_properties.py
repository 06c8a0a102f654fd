"""Whatever happens in whatever order, the promises hold."""

from datetime import time, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bot.events import (
    Asker,
    ClaimUndone,
    ClockTicked,
    DisputeDecided,
    Event,
    ForgetConfirmed,
    ForgetRequested,
    IdentityAnswered,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    MoveAnswered,
    NextRequested,
    NotMine,
    OfferAnswer,
    OfferAnswered,
    PauseRequested,
    PortsRead,
    RegisterRequested,
    RemoveRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SessionDisowned,
    SuspendRequested,
    UnpauseRequested,
    UnregisterRequested,
    WhyRequested,
)
from bot.quiet import QuietTimes
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
from queue_store.site import Site
from queue_store.stored import encoded
from tests.promises import Witness
from tests.story import NINE, ZONE
from tests.weeks import Habit, Office

# Making a failing example small takes its time, and without it the failure says little.
pytestmark = pytest.mark.timeout(600)

DRIVERS = ("U0ADA", "U0GRACE", "U0ALAN", "U0HEDY")
USERS = ("700101", "700102", "700103", "700104", "600009")
STATIONS = ("1:330001", "1:330002", "1:330003")
RULES = Rules(
    zone=ZONE,
    quiet=QuietTimes(zone=ZONE, hours=(time(20), time(6)), days=frozenset({5, 6})),
    admins=frozenset({"U0ADMIN"}),
)

askers = st.builds(
    Asker, driver=st.sampled_from(DRIVERS), admin=st.booleans(), in_room=st.booleans()
)
numbers = st.integers(0, 12)
picks = st.integers(0, 9)
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        JoinRequested, asker=askers, until=st.none() | st.sampled_from((time(12), time(2, 30)))
    ),
    st.builds(RemoveRequested, asker=askers, driver=st.sampled_from(DRIVERS)),
    st.builds(WhyRequested, asker=askers),
    st.builds(PauseRequested, asker=askers, port=st.sampled_from(("330001", "3300", "x"))),
    st.builds(UnpauseRequested, asker=askers, port=st.sampled_from(("330001", "330002"))),
    st.builds(ForgetRequested, asker=askers),
    st.builds(ForgetConfirmed, asker=askers),
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
    st.builds(MoveAnswered, asker=askers, session=numbers, minutes=st.sampled_from((0, 15, 60))),
    st.builds(SessionClaimed, asker=askers, session=numbers),
    st.builds(SessionDisowned, asker=askers, session=numbers),
    st.builds(ClaimUndone, asker=askers, session=numbers),
    st.builds(NotMine, asker=askers, session=numbers),
    st.builds(IdentityAnswered, asker=askers, offer=numbers, session=numbers, mine=st.booleans()),
    st.builds(DisputeDecided, asker=askers, dispute=numbers, granted=st.booleans()),
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


def _named_twice(site: Site) -> list[str]:
    stored = encoded(site).decode()
    return [driver for driver in DRIVERS if stored.count(f'"{driver}"') > 1]


class AnyDay(RuleBasedStateMachine):
    """Commands, buttons, cars, repeats, silence and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.witness = Witness(rules=RULES, now=NINE)
        self.repeated: Event = ClockTicked()

    def _happens(self, event: Event) -> None:
        self.repeated = event
        self.witness.happens(event)

    def _read(self, statuses: dict[str, tuple[PortStatus, str | None]]) -> None:
        readings = tuple(
            PortReading(station=station, port="1", name=station, status=status, user=user)
            for station, (status, user) in statuses.items()
        )
        self._happens(PortsRead(ports=readings))

    @initialize()
    def bearings(self) -> None:
        self._read(dict.fromkeys(STATIONS, (PortStatus.AVAILABLE, None)))

    @rule(request=requests)
    def somebody_asks(self, request: Request) -> None:
        self._happens(request)

    @rule(driver=st.sampled_from(DRIVERS))
    def somebody_joins(self, driver: str) -> None:
        self._happens(JoinRequested(asker=Asker(driver=driver)))

    @precondition(lambda self: bool(_named_twice(self.witness.site)))
    @rule(which=picks)
    def somebody_is_forgotten(self, which: int) -> None:
        """Whoever has had to do with much, and may be named in many places."""
        named = _named_twice(self.witness.site)
        self._happens(ForgetConfirmed(asker=Asker(driver=named[which % len(named)])))

    @precondition(lambda self: self.witness.site.offers)
    @rule(which=picks, answer=st.sampled_from(OfferAnswer))
    def a_called_driver_answers(self, which: int, answer: OfferAnswer) -> None:
        offers = self.witness.site.offers
        offer = offers[which % len(offers)]
        asker = Asker(driver=offer.driver)
        self._happens(OfferAnswered(asker=asker, offer=offer.number, answer=answer))

    @precondition(lambda self: any(offer.asked for offer in self.witness.site.offers))
    @rule(mine=st.booleans())
    def a_called_driver_says_whose_car_it_is(self, *, mine: bool) -> None:
        offer = next(offer for offer in self.witness.site.offers if offer.asked)
        asker, session = Asker(driver=offer.driver), offer.asked or 0
        self._happens(IdentityAnswered(asker=asker, offer=offer.number, session=session, mine=mine))

    @precondition(lambda self: self.witness.site.claims)
    @rule(which=picks)
    def somebody_undoes_their_claim(self, which: int) -> None:
        claims = self.witness.site.claims
        claim = claims[which % len(claims)]
        self._happens(ClaimUndone(asker=Asker(driver=claim.driver), session=claim.session))

    @rule(which=picks, asker=askers, said=st.sampled_from((SessionClaimed, NotMine)))
    def somebody_speaks_of_a_car(
        self, which: int, asker: Asker, said: type[SessionClaimed | NotMine]
    ) -> None:
        sessions = [port.session for port in self.witness.site.ports if port.session]
        if sessions:
            self._happens(said(asker=asker, session=sessions[which % len(sessions)].number))

    @rule(event=station_events)
    def the_network_speaks(self, event: StationEvent) -> None:
        self._happens(event)

    @rule(station=st.sampled_from(STATIONS), user=users)
    def a_car_comes(self, station: str, user: str | None) -> None:
        self._happens(SessionStarted(station=station, port="1", user=user))

    @rule(station=st.sampled_from(STATIONS))
    def a_car_goes(self, station: str) -> None:
        status = PortStatus.AVAILABLE
        self._happens(PortStatusChanged(station=station, port="1", status=status))

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
        self.witness.now += timedelta(minutes=minutes)
        self._happens(ClockTicked())

    @rule()
    def it_is_time(self) -> None:
        self.witness.now = self.witness.wakeup or self.witness.now
        self._happens(ClockTicked())

    @rule()
    def slack_posts_a_call(self) -> None:
        self.witness.posts()

    @rule()
    def the_bot_restarts(self) -> None:
        self.witness.restarts()


@settings(max_examples=5, deadline=None)
@given(
    habits=st.lists(st.sampled_from(Habit), min_size=4, max_size=9),
    silences=st.booleans(),
    chance=st.integers(0, 2**32),
)
def test_weeks_on_end_the_promises_hold(
    *, habits: list[Habit], silences: bool, chance: int
) -> None:
    office = Office(rules=RULES, now=NINE, habits=habits, chance=Random(chance))

    office.lives(days=7, silences=silences)


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)

"""What the network can say of stations: whatever it is, the rules take it, and time goes on."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.concierge import decide, next_wakeup
from bot.effects import Effect
from bot.events import ClockTicked, Event, PortsRead
from bot.messages import Reader, render
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
)
from chargepoint.moments import YEARS
from queue_store.stored import decoded, encoded
from tests.hostile.days import days
from tests.story import EAST, WEST, Story

# Nothing beyond these years gets past what reads the network's words.
BEGINNING, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (YEARS[0], YEARS[-1]))

moments = st.none() | st.datetimes(
    BEGINNING.replace(tzinfo=None), END.replace(tzinfo=None), timezones=st.just(UTC)
)
words = st.text(max_size=128)
stations = st.sampled_from((EAST, WEST)) | words
ports = st.just("1") | words
users = st.none() | st.sampled_from(("600001", "600002")) | words
sessions = st.none() | st.sampled_from(("4001", "4002")) | words
statuses = st.sampled_from(PortStatus)
readings = st.builds(
    PortReading,
    station=stations,
    port=ports,
    name=words,
    status=statuses,
    user=users,
    heard=moments,
    started=moments,
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        SessionStarted, station=stations, port=ports, session=sessions, user=users, started=moments
    ),
    st.builds(
        SessionStopped,
        station=stations,
        port=ports,
        session=sessions,
        started=moments,
        ended=moments,
    ),
    st.builds(SessionUpdated, station=stations, port=ports, session=sessions),
    st.builds(PortStatusChanged, station=stations, port=ports, status=statuses),
    st.builds(PortsRead, ports=st.lists(readings, max_size=4).map(tuple)),
)


@given(story=days(), said=st.lists(events, min_size=1, max_size=4))
def test_whatever_is_said_of_stations_is_decided_kept_and_put_into_words(
    story: Story, said: list[Event]
) -> None:
    """Years that are none, names of nobody, ports of nowhere: none of it stops the clock."""
    site, rules, now = story.site, story.rules, story.now
    for event in said:
        for happening in (event, ClockTicked()):
            decision = decide(site, happening, now=now, rules=rules)
            site = decision.site
            for effect in decision.effects:
                assert msgspec.json.decode(msgspec.json.encode(effect), type=Effect) == effect
                reader = Reader(now=now, zone=rules.zone, rules=rules, names={})
                assert render(effect, reader).text
            wakeup = next_wakeup(site, now=now, rules=rules)
            assert wakeup is None or wakeup > now
        assert decoded(encoded(site), site=site.id) == site
        now += timedelta(minutes=7)

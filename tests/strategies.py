"""Values that could be, for Hypothesis: any site at all, sensible or not."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from queue_store.site import Availability, Entry, Offer, Port, Session, Site

_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-8)), timezone(timedelta(hours=5.5))])
_NUMBERS = st.integers(min_value=0, max_value=2**53)
_NAMES = st.text(max_size=20)


def moments() -> st.SearchStrategy[datetime]:
    """Answer moments of our century, aware, not always in UTC."""
    # Naive bounds are what Hypothesis asks for; the moments drawn are aware.
    return st.datetimes(
        datetime(2020, 1, 1),  # noqa: DTZ001
        datetime(2099, 12, 31),  # noqa: DTZ001
        timezones=_ZONES,
    )


def entries() -> st.SearchStrategy[Entry]:
    """Answer places in a queue."""
    return st.builds(
        Entry,
        driver=_NAMES,
        joined=moments(),
        suspended=st.booleans(),
        resumes=st.none() | moments(),
    )


def sessions() -> st.SearchStrategy[Session]:
    """Answer cars on a port, known or not."""
    return st.builds(
        Session,
        number=_NUMBERS,
        since=moments(),
        network_id=st.none() | _NAMES,
        user=st.none() | _NAMES,
        driver=st.none() | _NAMES,
        since_known=st.booleans(),
        noticed=st.booleans(),
        asked=_NUMBERS,
        ask_at=st.none() | moments(),
    )


def ports() -> st.SearchStrategy[Port]:
    """Answer plugs in every state."""
    return st.builds(
        Port,
        id=_NAMES,
        station=_NAMES,
        number=_NAMES,
        name=_NAMES,
        availability=st.sampled_from(Availability),
        heard=moments(),
        spoken=st.none() | moments(),
        session=st.none() | sessions(),
        idle_since=st.none() | moments(),
        news=st.booleans(),
        reminded=st.booleans(),
    )


def offers() -> st.SearchStrategy[Offer]:
    """Answer offers, announced or not, accepted or not."""
    return st.builds(
        Offer,
        number=_NUMBERS,
        port=_NAMES,
        driver=_NAMES,
        made=moments(),
        deadline=st.none() | moments(),
        accepted=st.booleans(),
    )


def sites(site: str) -> st.SearchStrategy[Site]:
    """Answer sites of this name with anything in them."""
    return st.builds(
        Site,
        id=st.just(site),
        queue=st.lists(entries(), max_size=4).map(tuple),
        ports=st.lists(ports(), max_size=3).map(tuple),
        offers=st.lists(offers(), max_size=3).map(tuple),
        registrations=st.dictionaries(_NAMES, _NAMES, max_size=4),
        serial=_NUMBERS,
        feed=st.none() | _NAMES,
    )

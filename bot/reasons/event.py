"""What happened: the event itself, without what people wrote and who they are to ChargePoint."""

from datetime import datetime, time

from msgspec import Struct

from bot.events import Asker, Event
from bot.reasons.words import Facts, port_name
from chargepoint.events import StationEvent
from queue_store.site import Site, port_id

# Words and ChargePoint user IDs are people's own business.
_SHOWN = (
    "driver",
    "offer",
    "answer",
    "session",
    "mine",
    "minutes",
    "until",
    "dispute",
    "granted",
    "card",
    "status",
    "feed",
)


def about(event: Event, site: Site) -> Facts:
    """Name the event, who asked for it, and what it is about."""
    asker = getattr(event, "asker", None)
    return {
        "event": type(event).__name__,
        **({"by": asker.driver} if isinstance(asker, Asker) else {}),
        **_port_of_station(event, site),
        **_port_of_offer(event, site),
        **{name: _text(value) for name, value in _fields(event) if value is not None},
    }


def _port_of_station(event: Event, site: Site) -> Facts:
    if not isinstance(event, StationEvent):
        return {}
    id_ = port_id(event.station, event.port)
    return {"port": port_name(site, id_)}


def _port_of_offer(event: Event, site: Site) -> Facts:
    number = getattr(event, "offer", None)
    return next(
        ({"port": port_name(site, offer.port)} for offer in site.offers if offer.number == number),
        {},
    )


def _fields(event: Struct) -> list[tuple[str, object]]:
    return [(name, getattr(event, name)) for name in _SHOWN if hasattr(event, name)]


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime | time) else str(value)

"""How reasons are written: short, in the product's words, with times as the log has them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from queue_store.site import Site

Facts = dict[str, str]


def filled(facts: Mapping[str, Iterable[str]]) -> Facts:
    """Answer the facts about which there is something to say."""
    said = {name: "; ".join(each) for name, each in facts.items()}
    return {name: text for name, text in said.items() if text}


def moment(at: datetime, *, now: datetime) -> str:
    """Write a time, with its date unless that is today's."""
    at, today = at.astimezone(UTC), now.astimezone(UTC).date()
    return f"{at:%H:%M:%SZ}" if at.date() == today else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def port_name(site: Site, port: str) -> str:
    """Name a port as people see it, by its ID if it is listed no more."""
    found = site.port(port)
    return found.name if found else port


def place_of(driver: str, site: Site) -> int:
    """Answer the driver's place in the queue, counted from 1; 0 for nobody in it."""
    place = site.place(driver)
    return place[0] if place else 0

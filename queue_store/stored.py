"""The stored form of a site: JSON that says which version of itself it is.

An older form is read and upgraded, a newer one refused. While a deployment replaces one version
by another both are at work on one site; so a version that raises SCHEMA goes on writing the form
before, which both can read, and only the next one writes the new form.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from queue_store.errors import Unreadable
from queue_store.site import SCHEMA, Site
from queue_store.upgrades import STEPS, NoWay, Step, lowered, raised

# What is written: SCHEMA, or the one before in the first version that reads SCHEMA.
WRITTEN = SCHEMA

# Where minutes and days can be added to every moment.
YEARS = range(1900, 2200)

_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Versioned(Struct, frozen=True):
    schema: int


def encoded(site: Site, *, schema: int = WRITTEN, steps: Mapping[int, Step] = STEPS) -> bytes:
    """Answer the form in which every store keeps the site."""
    if schema == SCHEMA:
        return msgspec.json.encode(site)
    return msgspec.json.encode(lowered(msgspec.to_builtins(site), to=schema, steps=steps))


def decoded(body: bytes, *, site: str, steps: Mapping[int, Step] = STEPS) -> Site:
    """Answer the site that was stored under this name.

    Raises:
        Unreadable: it is damaged, another site's, or of a newer version.
    """
    try:
        found = msgspec.json.decode(_current(body, steps), type=Site)
    except (*_BROKEN, NoWay) as error:
        raise Unreadable(f"what is stored of site {site!r} is damaged: {error}") from error
    if found.id != site:
        raise Unreadable(f"what is stored under site {site!r} is site {found.id!r}")
    nonsense = twice(found) or _absurd(found)
    if nonsense:
        raise Unreadable(f"what is stored of site {site!r} is damaged: {nonsense}")
    return found


def _absurd(value: object) -> str | None:
    """Name a moment with which nobody could reckon, or None."""
    match value:
        case datetime():
            return None if value.year in YEARS else f"it is about the year {value.year}"
        case tuple() | Struct():
            parts = msgspec.structs.astuple(value) if isinstance(value, Struct) else value
            return next(filter(None, map(_absurd, parts)), None)
    return None


def _current(body: bytes, steps: Mapping[int, Step]) -> bytes:
    schema = msgspec.json.decode(body, type=_Versioned).schema
    if schema == SCHEMA:
        return body
    _refuse_newer(schema)
    return msgspec.json.encode(raised(msgspec.json.decode(body), to=SCHEMA, steps=steps))


def _refuse_newer(schema: int) -> None:
    if schema > SCHEMA:
        raise Unreadable(
            f"the site was stored by a newer version (schema {schema}, this version reads"
            f" {SCHEMA}): update EV Concierge, or give it another store"
        )


def twice(site: Site) -> str | None:
    """Say of what there are two that are the same, though there can be only one, or None."""
    kinds = {
        "port": [port.id for port in site.ports],
        "driver in the queue": [entry.driver for entry in site.queue],
        "number of an offer": [str(offer.number) for offer in site.offers],
        "port of an offer": [offer.port for offer in site.offers],
        "driver of an offer": [offer.driver for offer in site.offers],
    }
    kind = next((kind for kind, names in kinds.items() if len(set(names)) < len(names)), None)
    return kind and f"one {kind} is there twice"

"""The stored form of a site: JSON that says which version of itself it is."""

import msgspec
from msgspec import Struct

from queue_store.errors import Unreadable
from queue_store.site import SCHEMA, Site

_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Versioned(Struct, frozen=True):
    schema: int


def encoded(site: Site) -> bytes:
    """Answer the form in which every store keeps the site."""
    return msgspec.json.encode(site)


def decoded(body: bytes, *, site: str) -> Site:
    """Answer the site that was stored under this name.

    Raises:
        Unreadable: it is damaged, another site's, or of a newer version.
    """
    try:
        _refuse_newer(msgspec.json.decode(body, type=_Versioned).schema)
        found = msgspec.json.decode(body, type=Site)
    except _BROKEN as error:
        raise Unreadable(f"what is stored of site {site!r} is damaged: {error}") from error
    if found.id != site:
        raise Unreadable(f"what is stored under site {site!r} is site {found.id!r}")
    return found


def _refuse_newer(schema: int) -> None:
    if schema > SCHEMA:
        raise Unreadable(
            f"the site was stored by a newer version (schema {schema}, this version reads"
            f" {SCHEMA}): update EV Concierge, or give it another store"
        )

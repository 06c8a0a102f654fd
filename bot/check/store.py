"""The store: opened, read and, as far as that can be found out without writing, written to.

A bot that runs keeps its hold of it, and nothing is made where nothing is yet.
"""

from bot.check.finding import Check, Finding, fail, ok, warn
from queue_store.errors import StoreError, Unreadable
from queue_store.inspection import Inspection
from queue_store.opening import Place, SqliteFile, inspect_store

ELSEWHERE = "Bring back what was there, or give QUEUE_STORE another place"
FILE = "See that the bot's own user may write there, and to QUEUE_STORE"
TABLE = "See to AWS's region, credentials and rights, and to QUEUE_STORE"


def checks(place: Place, site: str) -> tuple[Check, ...]:
    """Answer what there is to look at in the store of this site."""

    async def look() -> Finding:
        try:
            found = await inspect_store(place, site=site)
        except Unreadable as error:
            return fail(str(error), ELSEWHERE)
        except StoreError as error:
            return fail(str(error), FILE if isinstance(place, SqliteFile) else TABLE)
        return _of_store(place, found)

    return (Check("store", look),)


def _of_store(place: Place, found: Inspection) -> Finding:
    seen = "; ".join(filter(None, (_contents(found), _held(found), _unseen(found))))
    if found.shortcomings:
        name = "" if isinstance(place, SqliteFile) else place.name
        remedy = f"python -m queue_store create dynamodb:{name} sees to it"
        return warn(f"{seen}; {', '.join(found.shortcomings)}", remedy)
    return ok(seen)


def _contents(found: Inspection) -> str:
    site = found.snapshot.site
    if not found.snapshot.revision:
        return "nothing is kept yet"
    return f"{len(site.ports)} ports, {len(site.queue)} drivers in the queue"


def _held(found: Inspection) -> str:
    return "another process holds it, as a bot that runs does" if found.is_held else ""


def _unseen(found: Inspection) -> str:
    return f"{', '.join(found.unseen)} can't be looked at" if found.unseen else ""

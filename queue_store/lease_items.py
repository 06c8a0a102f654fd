"""What DynamoDB keeps of leadership, beside the items of the site itself.

    pk            sk       what
    SITE#<site>   LEASE    the last heartbeat of the instance that leads
                  FENCE    the term that began last

Neither ever expires or goes to another store: were terms counted anew, a leader of long ago would
be taken for today's. LEASE changes every few seconds, and FENCE with each leader only, because what
a leader writes is conditional on it, and DynamoDB lets no two transactions at one item at once.
"""

from typing import Any

from msgspec import Struct

from queue_store.lease import Heartbeat
from queue_store.notation import ABSENT, Found, Item, Write, key, only_if, read

LEASE = "LEASE"
FENCE = "FENCE"


class _StoredFence(Struct, frozen=True):
    term: int


def read_heartbeat(found: Found | None) -> Heartbeat | None:
    """Answer the heartbeat, if there is one."""
    return read(found, Heartbeat) if found else None


def read_fence(found: Found | None) -> int:
    """Answer the term that began last; 0 before the first."""
    return read(found, _StoredFence).term if found else 0


def is_leadership(found: Found) -> bool:
    """Whether the item is about who leads, not about the site."""
    return found["sk"]["S"] in {LEASE, FENCE}


def fence(site: str, term: int | None) -> list[Write]:
    """Answer the check that no other term has begun since, for what only a leader may do."""
    if term is None:
        return []
    values = {":term": {"N": str(term)}}
    terms = {
        "Key": key(site, FENCE),
        "ExpressionAttributeValues": values,
        **only_if("term = :term"),
    }
    return [Write("ConditionCheck", terms)]


def following(site: str, seen: Heartbeat | None, new: Heartbeat) -> list[Write]:
    """Answer the writes that keep a heartbeat if the one seen is still the last; its own first.

    With a new term they begin it.
    """
    beat = Write("Put", {"Item": heartbeat_item(site, new), **_if_last(seen)})
    if seen is not None and seen.term == new.term:
        return [beat]
    begun = {"Item": fence_item(site, new.term), **only_if(f"{ABSENT} OR term < :term")}
    values = {":term": {"N": str(new.term)}}
    return [beat, Write("Put", {**begun, "ExpressionAttributeValues": values})]


def heartbeat_item(site: str, beat: Heartbeat) -> Item:
    """Answer the item of a heartbeat."""
    return {
        **key(site, LEASE),
        "owner": {"S": beat.owner},
        "id": {"S": beat.id},
        "term": {"N": str(beat.term)},
        "released": {"BOOL": beat.released},
    }


def fence_item(site: str, term: int) -> Item:
    """Answer the item of the term that began last."""
    return {**key(site, FENCE), "term": {"N": str(term)}}


def _if_last(seen: Heartbeat | None) -> dict[str, Any]:
    if seen is None:
        return only_if(ABSENT)
    return {"ExpressionAttributeValues": {":seen": {"S": seen.id}}, **only_if("id = :seen")}

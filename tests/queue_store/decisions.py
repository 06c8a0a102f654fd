"""The decisions that the store's stories are about."""

from datetime import UTC, datetime, timedelta

from queue_store.errors import Conflict
from queue_store.site import Entry, Site
from queue_store.store import Answered, Commit, Delivered, PostedCard, QueueStore, Refusal

SITE = "garage"
# Far ahead: a DynamoDB engine throws away what has expired by its own clock.
NOON = datetime(2099, 11, 20, 12, tzinfo=UTC)
NEXT_WEEK = NOON + timedelta(days=7)


def waiting(*drivers: str) -> Site:
    """Answer a site at which these drivers wait."""
    return Site(id=SITE, queue=tuple(Entry(driver=driver, joined=NOON) for driver in drivers))


def request(name: str, answer: bytes = b"You're in", expires: datetime = NEXT_WEEK) -> Answered:
    """Answer the record of a request."""
    return Answered(request=name, answer=answer, expires=expires)


def card(
    ts: str = "1763.000100", key: str = "offer/1", expires: datetime = NEXT_WEEK
) -> PostedCard:
    """Answer where a card stands."""
    return PostedCard(key=key, channel="C0ROOM", ts=ts, expires=expires)


def refusal(why: str = "channel_not_found", expires: datetime = NEXT_WEEK) -> Refusal:
    """Answer why something can never be said."""
    return Refusal(why=why, expires=expires)


async def say(store: QueueStore, *bodies: bytes) -> tuple[Delivered, ...]:
    """Put things to say in the outbox and answer what to give back when they were said."""
    snapshot = await store.load()
    before = {row.id for row in await store.outbox()}
    await store.commit(Commit(site=snapshot.site, seen=snapshot.revision, now=NOON, bodies=bodies))
    return tuple(Delivered(row=row.id) for row in await store.outbox() if row.id not in before)


async def said(store: QueueStore) -> list[bytes]:
    """Answer the bodies still to be said."""
    return [row.body for row in await store.outbox()]


async def add(store: QueueStore, driver: str) -> int:
    """Add a driver as a dispatcher does, deciding anew after a conflict; answer their place."""
    while True:
        snapshot = await store.load()
        site = snapshot.site.with_entry(Entry(driver=driver, joined=NOON))
        try:
            await store.commit(Commit(site=site, seen=snapshot.revision, now=NOON))
        except Conflict:
            continue
        place = site.place(driver)
        return 0 if place is None else place[0]

"""What every store promises, whichever engine is under it.

A commit is all or nothing: the site (only if its revision is still the one seen), the record of
the request with its answer, new outbox rows, and the outcome of a row that was delivered. Reads
see every commit that was acknowledged. Rows come back oldest first: in the order of revisions,
then in the order in which they were given.

What only the leader may do carries the leader's term, and is refused once another term has begun.
"""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from queue_store.lease import Lease
from queue_store.moments import Moment
from queue_store.site import Site

# What a repeat is told whose answer spoke of somebody who was forgotten: JSON's word for nothing.
FORGOTTEN = b"null"


class Snapshot(Struct, frozen=True, kw_only=True):
    """A site with the revision at which it was read; revision 0 is a site never stored."""

    site: Site
    revision: int


class Answered(Struct, frozen=True, kw_only=True):
    """A request and what it was answered, kept until `expires` so that a repeat gets the same."""

    request: str
    answer: bytes
    expires: Moment


class OutboxRow(Struct, frozen=True, kw_only=True):
    """Something still to be said; the body is the bot's own and opaque here.

    `begun` is when somebody first began to say it: from then on it may have been said.
    """

    id: str
    body: bytes
    created: Moment
    begun: Moment | None = None


class PostedCard(Struct, frozen=True, kw_only=True):
    """Where a message stands that will be edited later: Slack's channel and timestamp."""

    key: str
    channel: str
    ts: str
    expires: Moment


class Refusal(Struct, frozen=True, kw_only=True):
    """Why something can never be said; kept until `expires` for an administrator."""

    why: str
    expires: Moment


class RefusedRow(Struct, frozen=True, kw_only=True):
    """Something that could never be said, as it was set aside."""

    id: str
    body: bytes
    created: Moment
    why: str
    expires: Moment


class Delivered(Struct, frozen=True, kw_only=True):
    """The row that was said, and the card that it became, if it became one.

    A row that was `refused` for good is set aside with the reason instead of being forgotten.
    """

    row: str
    card: PostedCard | None = None
    refused: Refusal | None = None


class Commit(Struct, frozen=True, kw_only=True):
    """One decision, to be stored whole or not at all.

    `bodies` become outbox rows, named after the revision that this commit makes and their place
    in it. Of `forgotten`, nothing is kept in what was set aside, and of answers that were given
    before only that they were given: what was asked then must not happen again by a repeat. `term`
    is the leader's, of a decision that only the leader may make.
    """

    site: Site
    seen: int
    now: Moment
    answered: Answered | None = None
    bodies: tuple[bytes, ...] = ()
    delivered: Delivered | None = None
    forgotten: str | None = None
    term: int | None = None


class QueueStore(Protocol):
    """The store of one site's queue.

    Every method may raise StoreUnavailable, the writing ones also OutcomeUnknown.
    """

    async def load(self) -> Snapshot:
        """Answer the site as last committed; an empty one at revision 0 if there was none.

        Raises:
            Unreadable: what is stored is damaged or of a newer version.
        """
        ...

    async def answered(self, request: str, *, now: datetime) -> bytes | None:
        """Answer what this request was told, unless it never came or its record expired."""
        ...

    async def commit(self, commit: Commit) -> int:
        """Store the decision and answer the new revision, which is `seen` + 1.

        Raises:
            Repeated: the request has an unexpired record; nothing was changed. Checked first.
            Deposed: another term has begun; nothing was changed. Checked next.
            Conflict: the revision is not `seen` any more, or the delivered row is already gone;
                nothing was changed.
        """
        ...

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Answer what is still to be said, oldest first."""
        ...

    async def begin(self, row: str, *, now: datetime, term: int | None = None) -> None:
        """Note that somebody begins to say the row; what was noted first stays.

        Raises:
            Deposed: another term has begun. Checked first.
            Conflict: the row is gone.
        """
        ...

    async def discharge(self, delivered: Delivered, *, term: int | None = None) -> None:
        """Take a row from the outbox and keep its card, or set it aside; harmless if repeated.

        Raises:
            Deposed: another term has begun; the row is still there, unless it was gone before.
        """
        ...

    async def refused(self, *, now: datetime) -> tuple[RefusedRow, ...]:
        """Answer what was set aside and has not expired, oldest first."""
        ...

    async def card(self, key: str, *, now: datetime) -> PostedCard | None:
        """Answer where the card stands, unless it was never posted or its record expired."""
        ...

    def lease(self, *, seconds: float) -> Lease:
        """Answer how to become the one that leads; a leader silent for so long is replaced."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the engine."""
        ...


def row_id(revision: int, place: int) -> str:
    """Name an outbox row so that names sort in the order of saying."""
    return f"{revision:012d}-{place:03d}"

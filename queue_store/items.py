"""What DynamoDB keeps: which items there are, how they read, and the transaction of a commit.

    pk            sk                    what
    SITE#<site>   SITE                  the site, its revision, the names of its last commits
                  ANSWERED#<request>    what a request was told, for as long as a repeat may come
                  CARD#<key>            where a card stands
                  OUTBOX#<row>          something to be said; or, after a commit that had very much
                                        to say, a bundle of such things under the first one's name
                  REFUSED#<row>         something that could never be said, set aside

`expires` is when DynamoDB may delete an item, in whole seconds; it takes its time, so whoever
reads compares `kept_until`, which is exact. What is kept of leadership is told in `lease_items`.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from queue_store.errors import TooLarge
from queue_store.lease_items import fence
from queue_store.moments import Moment
from queue_store.notation import (
    ABSENT,
    Found,
    Item,
    Write,
    deletion,
    exact,
    kept_until,
    key,
    only_if,
    put,
    read,
)
from queue_store.records import KeptAnswer, KeptCard, KeptRefused, KeptRow, KeptSite, Record
from queue_store.site import Site
from queue_store.store import (
    FORGOTTEN,
    Answered,
    Commit,
    Delivered,
    OutboxRow,
    PostedCard,
    Refusal,
    RefusedRow,
    Snapshot,
    row_id,
)
from queue_store.stored import decoded, encoded

SITE = "SITE"
ANSWERED = "ANSWERED#"
CARD = "CARD#"
OUTBOX = "OUTBOX#"
REFUSED = "REFUSED#"
ATTEMPT = "ATTEMPT#"

# DynamoDB's own limits are 400 KB for an item and 4 MB and 100 items for a transaction.
LARGEST_ITEM = 350_000
LARGEST_COMMIT = 2_000_000
MOST_WRITES = 100

# What a commit has to say beyond this goes into bundles, which leaves room for everything else.
MOST_ROWS = 50
_LARGEST_BUNDLE = 300_000

# So many commits may follow ours before we can't tell any more that it was made.
_REMEMBERED = 8

_ALONE = "attribute_exists(body)"
_BUNDLED = "attribute_exists(bodies)"


class _StoredSite(Struct, frozen=True):
    revision: int
    body: str


class _StoredAnswer(Struct, frozen=True):
    request: str
    answer: bytes
    kept_until: Moment

    @property
    def answered(self) -> Answered:
        return Answered(request=self.request, answer=self.answer, expires=self.kept_until)


class _StoredCard(Struct, frozen=True):
    key: str
    channel: str
    ts: str
    kept_until: Moment

    @property
    def card(self) -> PostedCard:
        return PostedCard(key=self.key, channel=self.channel, ts=self.ts, expires=self.kept_until)


class _StoredRefusal(Struct, frozen=True):
    id: str
    body: bytes
    created: Moment
    why: str
    kept_until: Moment

    @property
    def row(self) -> RefusedRow:
        return RefusedRow(
            id=self.id,
            body=self.body,
            created=self.created,
            why=self.why,
            expires=self.kept_until,
        )


class Bundle(Struct, frozen=True):
    """Many things to be said in one item; `id` is the first one's."""

    id: str
    bodies: tuple[bytes, ...]
    created: Moment


def read_site(found: Found | None, *, site: str) -> Snapshot:
    """Answer the site in the item; an empty one at revision 0 if there is no item."""
    if found is None:
        return Snapshot(site=Site(id=site), revision=0)
    stored = read(found, _StoredSite)
    return Snapshot(site=decoded(stored.body.encode(), site=site), revision=stored.revision)


def read_answer(found: Found | None, *, now: datetime) -> bytes | None:
    """Answer what the request was told, if the item is there and has not expired."""
    if found is None:
        return None
    stored = read(found, _StoredAnswer)
    return stored.answer if stored.kept_until > now else None


def read_told(found: Found) -> bytes:
    """Answer what the request was told."""
    return read(found, _StoredAnswer).answer


def read_card(found: Found | None, *, now: datetime) -> PostedCard | None:
    """Answer where the card stands, if the item is there and has not expired."""
    if found is None:
        return None
    stored = read(found, _StoredCard)
    return stored.card if stored.kept_until > now else None


def read_row(found: Found) -> OutboxRow:
    """Answer what is to be said."""
    return read(found, OutboxRow)


def read_refused(found: Found) -> RefusedRow:
    """Answer what was set aside."""
    return read(found, _StoredRefusal).row


def read_bundle(found: Found) -> Bundle | None:
    """Answer the bundle, if the item is one."""
    return read(found, Bundle) if "bodies" in found else None


def speaks_of(found: Found, driver: str) -> bool:
    """Whether this answer, or what was set aside, names the driver; one too many is no loss."""
    if found["sk"]["S"].startswith(REFUSED):
        return driver.encode() in read_refused(found).body
    return driver.encode() in read_told(found)


def forgetting(found: Found) -> Write:
    """Answer the write that leaves of an answer that it was given, and nothing of the rest."""
    if found["sk"]["S"].startswith(REFUSED):
        return deletion(found)
    return put({**found, "answer": {"B": FORGOTTEN}})


def made_by(found: Found, commit: str, *, revision: int) -> bool:
    """Whether the commit of this name put the item there, or took the site to this revision."""
    names = (found.get("commit"), found.get(_slot(revision)))
    return {"S": commit} in names


def transaction(commit: Commit, *, name: str) -> list[Write]:
    """Answer the writes of a commit; the site's is the first, the answer's the second.

    Raises:
        TooLarge: it is more than DynamoDB takes.
    """
    site = commit.site.id
    writes = [_site_write(commit, name)]
    if commit.answered is not None:
        writes.append(_answer_write(site, commit.answered, now=commit.now, name=name))
    if commit.delivered is not None:
        writes.extend(delivery(site, commit.delivered))
    return [*writes, *map(put, _outbox_items(commit)), *fence(site, commit.term)]


def beginning(site: str, row: str, *, now: datetime) -> Write:
    """Answer the write that notes when somebody first began to say the row."""
    return Write(
        "Update",
        {
            "Key": key(site, outbox_name(row)),
            "UpdateExpression": "SET begun = if_not_exists(begun, :now)",
            "ExpressionAttributeValues": {":now": {"S": exact(now)}},
            **only_if(_ALONE),
        },
    )


def delivery(site: str, delivered: Delivered) -> list[Write]:
    """Answer the writes that take a row and keep its card."""
    row = Write("Delete", {"Key": key(site, outbox_name(delivered.row)), **only_if(_ALONE)})
    return [row] if delivered.card is None else [row, put(card_item(site, delivered.card))]


def setting_aside(site: str, found: Found | None, refusal: Refusal) -> list[Write]:
    """Answer the write that keeps the row found, if it was; that it is gone shows elsewhere."""
    if found is None or "body" not in found:
        return []
    row = read_row(found)
    kept = RefusedRow(
        id=row.id, body=row.body, created=row.created, why=refusal.why, expires=refusal.expires
    )
    return [put(refused_item(site, kept))]


def unpacking(site: str, bundle: Bundle) -> list[Write]:
    """Answer the writes that put rows in a bundle's place, and a smaller bundle if need be.

    The first row takes the bundle's own place, if it is a bundle still.
    """
    rows = _rows(bundle)
    fitting, rest = rows[: MOST_WRITES - 1], rows[MOST_WRITES - 1 :]
    first, *others = [
        *(row_item(site, row) for row in fitting),
        *([_bundle_item(site, rest)] if rest else []),
    ]
    return [Write("Put", {"Item": first, **only_if(_BUNDLED)}), *map(put, others)]


def kept(record: Record) -> Item:
    """Answer the item of a record."""
    match record:
        case KeptSite(site=site, revision=revision, body=body):
            return site_item(site, revision=revision, body=bytes(body))
        case KeptAnswer(site=site, answered=answered):
            return answer_item(site, answered)
        case KeptCard(site=site, card=card):
            return card_item(site, card)
        case KeptRow(site=site, row=row):
            return row_item(site, row)
        case KeptRefused(site=site, row=row):
            return refused_item(site, row)


def records(found: Found) -> list[Record]:
    """Answer the records in the item: one as a rule, many of a bundle, none of what isn't ours."""
    site = found["pk"]["S"].removeprefix("SITE#")
    name = found["sk"]["S"]
    if name == SITE:
        stored = read(found, _StoredSite)
        body = msgspec.Raw(stored.body.encode())
        return [KeptSite(site=site, revision=stored.revision, body=body)]
    if name.startswith(ANSWERED):
        return [KeptAnswer(site=site, answered=read(found, _StoredAnswer).answered)]
    if name.startswith(CARD):
        return [KeptCard(site=site, card=read(found, _StoredCard).card)]
    if name.startswith(OUTBOX):
        bundle = read_bundle(found)
        rows = _rows(bundle) if bundle else [read_row(found)]
        return [KeptRow(site=site, row=row) for row in rows]
    if name.startswith(REFUSED):
        return [KeptRefused(site=site, row=read_refused(found))]
    return []


def site_item(site: str, *, revision: int, body: bytes) -> Item:
    """Answer the item of a site."""
    return {
        **key(site, SITE),
        "revision": {"N": str(revision)},
        "body": {"S": _fitting(body, f"site {site}").decode()},
    }


def answer_item(site: str, answered: Answered) -> Item:
    """Answer the item of a request's answer."""
    return {
        **key(site, ANSWERED + answered.request),
        "request": {"S": answered.request},
        "answer": {"B": _fitting(answered.answer, "an answer")},
        **kept_until(answered.expires),
    }


def card_item(site: str, card: PostedCard) -> Item:
    """Answer the item of a card."""
    return {
        **key(site, CARD + card.key),
        "key": {"S": card.key},
        "channel": {"S": card.channel},
        "ts": {"S": card.ts},
        **kept_until(card.expires),
    }


def row_item(site: str, row: OutboxRow) -> Item:
    """Answer the item of something to be said."""
    begun = {} if row.begun is None else {"begun": {"S": exact(row.begun)}}
    return {
        **key(site, outbox_name(row.id)),
        "id": {"S": row.id},
        "body": {"B": _fitting(row.body, "a thing to be said")},
        "created": {"S": exact(row.created)},
        **begun,
    }


def refused_item(site: str, row: RefusedRow) -> Item:
    """Answer the item of something set aside."""
    return {
        **key(site, REFUSED + _sorted(row.id)),
        "id": {"S": row.id},
        "body": {"B": _fitting(row.body, "a thing set aside")},
        "created": {"S": exact(row.created)},
        "why": {"S": row.why},
        **kept_until(row.expires),
    }


def outbox_name(row: str) -> str:
    """Answer under which name a row is kept."""
    return OUTBOX + _sorted(row)


def _site_write(commit: Commit, name: str) -> Write:
    revision = commit.seen + 1
    item = site_item(commit.site.id, revision=revision, body=encoded(commit.site))
    seen = {":seen": {"N": str(commit.seen)}} if commit.seen else {}
    return Write(
        "Update",
        {
            "Key": key(commit.site.id, SITE),
            # The last few commits each have a place, so that one whose acknowledgement was lost
            # is recognised although another came after it.
            "UpdateExpression": f"SET revision = :made, body = :body, {_slot(revision)} = :name",
            "ExpressionAttributeValues": {
                ":made": item["revision"],
                ":body": item["body"],
                ":name": {"S": name},
                **seen,
            },
            **only_if("revision = :seen" if seen else ABSENT),
        },
    )


def _answer_write(site: str, answered: Answered, *, now: datetime, name: str) -> Write:
    item = {**answer_item(site, answered), "commit": {"S": name}}
    expired = f"{ABSENT} OR kept_until <= :now"
    values = {":now": {"S": exact(now)}}
    return Write("Put", {"Item": item, "ExpressionAttributeValues": values, **only_if(expired)})


def _outbox_items(commit: Commit) -> list[Item]:
    site, revision = commit.site.id, commit.seen + 1
    if sum(map(len, commit.bodies)) > LARGEST_COMMIT:
        raise TooLarge("there is more to be said at once than DynamoDB takes")
    rows = [
        OutboxRow(id=row_id(revision, place), body=body, created=commit.now)
        for place, body in enumerate(commit.bodies)
    ]
    if len(rows) > MOST_ROWS:
        return [_bundle_item(site, some) for some in _bundled(rows)]
    return [row_item(site, row) for row in rows]


def _bundled(rows: list[OutboxRow]) -> Iterator[list[OutboxRow]]:
    bundle: list[OutboxRow] = []
    for row in rows:
        if bundle and sum(len(each.body) for each in bundle) + len(row.body) > _LARGEST_BUNDLE:
            yield bundle
            bundle = []
        bundle.append(row)
    yield bundle


def _bundle_item(site: str, rows: list[OutboxRow]) -> Item:
    first = row_item(site, rows[0])
    del first["body"]
    bodies = [{"B": _fitting(row.body, "a thing to be said")} for row in rows]
    return {**first, "bodies": {"L": bodies}}


def _rows(bundle: Bundle) -> list[OutboxRow]:
    revision, _, place = bundle.id.partition("-")
    return [
        OutboxRow(id=row_id(int(revision), each), body=body, created=bundle.created)
        for each, body in enumerate(bundle.bodies, int(place))
    ]


def _sorted(row: str) -> str:
    # A row's own name sorts among the first thousand of its revision only.
    revision, _, place = row.partition("-")
    return f"{revision}-{place:0>6}"


def attempts(site: str) -> list[Write]:
    """Answer a write of each kind that a store does, under a condition that never holds.

    Whether they would be allowed is found out by attempting them.
    """
    never = only_if(f"attribute_exists(pk) AND {ABSENT}")
    own = [key(site, f"{ATTEMPT}{number}") for number in range(4)]
    change = {
        "UpdateExpression": "SET begun = :now",
        "ExpressionAttributeValues": {":now": own[1]["sk"]},
    }
    return [
        Write("Put", {"Item": own[0], **never}),
        Write("Update", {"Key": own[1], **change, **never}),
        Write("Delete", {"Key": own[2], **never}),
        Write("ConditionCheck", {"Key": own[3], **never}),
    ]


def _slot(revision: int) -> str:
    return f"commit{revision % _REMEMBERED}"


def _fitting(body: bytes, what: str) -> bytes:
    if len(body) > LARGEST_ITEM:
        raise TooLarge(
            f"{what} takes {len(body):,} bytes; DynamoDB keeps items of up to {LARGEST_ITEM:,}"
        )
    return body

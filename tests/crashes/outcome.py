"""What people care about in the end: how things stand, and who was told what, how often."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from playground.slack.workspace import Change, Message, Posted, Workspace
from queue_store.site import Claim, Dispute, Miss, Offer, Port, Session, Site

# How something became known is not what people care about.
_HOW = {
    (Site, "feed"),
    (Site, "serial"),
    (Port, "spoken"),
    (Port, "doubted"),
    (Session, "network_id"),
}
_NUMBERED = {
    (Claim, "session"),
    (Dispute, "number"),
    (Miss, "offer"),
    (Offer, "asked"),
    (Offer, "number"),
    (Session, "number"),
}


class Outcome(Struct, frozen=True, kw_only=True):
    """How a telling ended.

    `said` counts what the bot said by itself, as it was first; `reads` is how all of that reads
    in the end. `answers` are to what people said to it in private.
    """

    site: Any
    said: Counter[str]
    reads: Counter[str]
    answers: Counter[str]


class Listening:
    """Takes down what the bot says, as it was said first."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._said: list[Message] = []
        workspace.listen(self._hear)

    def outcome(self, site: Site) -> Outcome:
        """Answer how it ended, with this site."""
        said = [each for each in self._said if each.content.metadata]
        return Outcome(
            site=comparable(site),
            said=Counter(map(_line, said)),
            reads=Counter(_line(self._workspace.message(each.ts)) for each in said),
            answers=Counter(_line(each) for each in self._said if not each.content.metadata),
        )

    @property
    def mentions(self) -> int:
        """How many messages notified somebody when they were new."""
        return sum(bool(said.notifies) for said in self._said)

    def rows(self) -> Counter[str]:
        """Count how often each thing that was to be said was said."""
        payloads = (
            said.content.metadata["event_payload"] for said in self._said if said.content.metadata
        )
        return Counter(str(payload["row"]) for payload in payloads)

    def _hear(self, change: Change) -> None:
        # What one person alone is shown, or a command is answered, is no message of its own.
        said = change.message
        if isinstance(change, Posted) and said.by_bot and not said.only and not said.prompt:
            self._said.append(said)


def comparable(site: Site) -> Any:  # noqa: ANN401 # plain values
    """Answer the site without what may differ between two tellings of one story.

    Other numbers are given where something was learnt twice; only their order counts.
    """
    ranks = {number: place for place, number in enumerate(sorted(set(_numbers(site))))}
    return _plain(site, ranks)


def _numbers(value: object) -> Iterator[int]:
    if isinstance(value, Struct):
        for field, each in _fields(value):
            if (type(value), field) in _NUMBERED and each is not None:
                yield each
            else:
                yield from _numbers(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _numbers(each)


def _plain(value: object, ranks: Mapping[int, int]) -> object:
    match value:
        case Struct():
            return {
                field: ranks.get(each) if (type(value), field) in _NUMBERED else _plain(each, ranks)
                for field, each in _fields(value)
                if (type(value), field) not in _HOW
            }
        case tuple():
            return [_plain(each, ranks) for each in value]
        case dict():
            return {name: _plain(each, ranks) for name, each in value.items()}
        case datetime():
            # Slack's own moments are a fraction later than ours.
            return value.replace(microsecond=0)
    return value


def _fields(value: Struct) -> Iterator[tuple[str, Any]]:
    return ((field, getattr(value, field)) for field in value.__struct_fields__)


def _line(said: Message) -> str:
    return f"{said.channel} {', '.join(said.notifies)}: {said.text}"

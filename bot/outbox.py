"""In what order the outbox is said, and what of it is not worth saying any more.

Calls go before notices; what was decided together stays together and in its order. A notice or a
call is overtaken when what it tells is not so any more, and whatever a later one tells anew: of
the last edit people see the whole card, and after a long outage nobody wants to hear three times
that the same port is free. What quiet hours overtake waits for their end.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from bot.bodies import origin_of
from bot.effects import (
    AnnounceFree,
    AnnouncePluggedIn,
    AskToMove,
    AskWasThatYou,
    AskWhoPluggedIn,
    CallDriver,
    Destination,
    Effect,
    RemindIdle,
    SayInRoom,
    SummariseOutage,
    TellCalled,
    TellGoesOn,
    TellMoved,
    ToCard,
    ToDriver,
    ToRoom,
    destination,
)
from queue_store.site import Site
from queue_store.store import OutboxRow

NOTICES = AnnounceFree | RemindIdle | AnnouncePluggedIn | SummariseOutage | SayInRoom
UNQUIET = AnnounceFree | RemindIdle | AskToMove


class Saying(Struct, frozen=True, kw_only=True):
    """A row of the outbox as it was meant."""

    row: OutboxRow
    effect: Effect

    @property
    def origin(self) -> str | None:
        """What decided it, if that is known."""
        return origin_of(self.row.body)

    @property
    def about(self) -> dict[str, str]:
        """Answer what is worth knowing of it: what it is, and whom and what it is about."""
        named = {name: getattr(self.effect, name, None) for name in ("driver", "port", "outcome")}
        known = {name: str(value) for name, value in named.items() if value is not None}
        return {"row": self.row.id, "effect": type(self.effect).__name__, **known}

    @property
    def to(self) -> Destination:
        """Where it is said."""
        return destination(self.effect)

    @property
    def conversation(self) -> str:
        """Name what Slack's limits count: the room, a person, or all edits."""
        match self.to:
            case ToRoom():
                return "room"
            case ToDriver(driver=driver):
                return driver
            case ToCard():
                return "edits"

    @property
    def card(self) -> str | None:
        """Name the card that it becomes or edits."""
        return self.to.card

    @property
    def edits(self) -> bool:
        """Whether it changes a message that stands, which may be repeated without harm."""
        return isinstance(self.to, ToCard)


def in_order(sayings: Iterable[Saying]) -> list[Saying]:
    """Answer them as they are to be said, given in the order in which they were decided."""
    given = list(sayings)
    last_call = {_decision(each): place for place, each in enumerate(given) if _calls(each)}
    urgent = [place <= last_call.get(_decision(each), -1) for place, each in enumerate(given)]
    return [
        *(each for each, first in zip(given, urgent, strict=True) if first),
        *(each for each, first in zip(given, urgent, strict=True) if not first),
    ]


def replaced(sayings: Iterable[Saying]) -> set[str]:
    """Name the rows whose news a later one tells anew, given in the order of their decisions."""
    told = [(_news(each), each.row.id) for each in sayings]
    last = dict(told)
    return {row for news, row in told if news is not None and last[news] != row}


def is_overtaken(effect: Effect, site: Site) -> bool:  # noqa: PLR0911 - one line for each effect
    """Whether what it tells is not so any more."""
    match effect:
        case CallDriver(offer=number):
            return all(offer.number != number for offer in site.offers)
        case TellCalled() | TellMoved() | TellGoesOn():
            return not _is_called(site, effect.driver, effect.port)
        case AnnounceFree(port=port) | RemindIdle(port=port):
            return all(each.name != port for each in site.unoffered)
        case AskToMove(session=session):
            return site.session(session) is None
        case AskWhoPluggedIn(session=session):
            found = site.session(session)
            return found is None or found[1].driver is not None
        case AskWasThatYou(offer=number, session=session):
            return all((o.number, o.asked) != (number, session) for o in site.offers)
        case _:
            return False


def up_to_date(saying: Saying, site: Site) -> Saying:
    """Answer a call to the port that is held now: it may have been moved before anybody heard."""
    effect = saying.effect
    if not isinstance(effect, CallDriver):
        return saying
    held = next((site.port(o.port) for o in site.offers if o.number == effect.offer), None)
    return replace(saying, effect=replace(effect, port=held.name)) if held else saying


def _news(saying: Saying) -> tuple[str, object] | None:
    """Name what people want to know only as it is in the end, and this tells of."""
    match saying.effect:
        case AnnounceFree(port=port) | RemindIdle(port=port):
            return "free", port
        case AskToMove(session=session):
            return "move", session
        case TellCalled(driver=driver) | TellMoved(driver=driver) | TellGoesOn(driver=driver):
            return "called", driver
        case _:
            return ("card", saying.card) if saying.edits else None


def _calls(saying: Saying) -> bool:
    return not saying.edits and not isinstance(saying.effect, NOTICES)


def _decision(saying: Saying) -> str:
    return saying.row.id.partition("-")[0]


def _is_called(site: Site, driver: str, port: str) -> bool:
    offer = site.offer_to(driver)
    held = site.port(offer.port) if offer else None
    return held is not None and held.name == port

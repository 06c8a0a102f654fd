"""What the outbox keeps of a thing to say: the effect, and the origin of what decided it.

The origin stands beside the effect's own fields. A version that doesn't know of origins reads
past it, and one that does misses nothing where there is none.
"""

import msgspec
from msgspec import Struct

from bot.effects import Effect


class _Origin(Struct, frozen=True):
    origin: str | None = None


_effects = msgspec.json.Decoder(Effect)
_origins = msgspec.json.Decoder(_Origin)


def written(effect: Effect, *, origin: str | None) -> bytes:
    """Answer the body of the row that is to say this."""
    return msgspec.json.encode({**msgspec.to_builtins(effect), "origin": origin})


def effect_in(body: bytes) -> Effect:
    """Answer what a row is to say.

    Raises:
        DecodeError: it is damaged, or a newer version's.
    """
    effect: Effect = _effects.decode(body)
    return effect


def origin_of(body: bytes) -> str | None:
    """Answer which unit of work decided that a row is to be said, if that is known."""
    try:
        return _origins.decode(body).origin
    except msgspec.DecodeError:
        return None

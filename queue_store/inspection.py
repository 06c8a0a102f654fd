"""What somebody sees who looks into a store beside whoever works with it, and changes nothing."""

from msgspec import Struct

from queue_store.store import Snapshot


class Inspection(Struct, frozen=True, kw_only=True):
    """What is kept, and how.

    `is_held` if another process works with it where only one can. `shortcomings` are what is not
    set up as it should be, and `unseen` what could not be looked at, both in words.
    """

    snapshot: Snapshot
    is_held: bool = False
    shortcomings: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

"""The store's error family.

StoreError                 something about the store, in words for a log
├── Conflict               somebody else changed the site since it was loaded: decide anew
├── Deposed                another instance leads since: stop doing what only a leader does
├── Repeated               this request was answered before: give its stored answer
├── StoreUnavailable       nothing was changed; trying later may help
├── OutcomeUnknown         the write may or may not have happened
├── TooLarge               more than the engine takes; nothing was changed
├── NotEmpty               something is kept already, and was not to be replaced
├── StoreInUse             another process holds this embedded store
└── Unreadable             what is stored is not ours, damaged, or newer than this version
"""


class StoreError(Exception):
    """Something about the store."""


class Conflict(StoreError):
    """The site was changed by somebody else since it was loaded."""


class Deposed(StoreError):
    """Another instance leads since; nothing was changed."""


class Repeated(StoreError):
    """The request was answered before; `answer` is what was said then."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("this request was answered before")
        self.answer = answer


class StoreUnavailable(StoreError):
    """The store can't be reached now; nothing was changed."""


class OutcomeUnknown(StoreError):
    """The store did not say whether the write happened."""


class TooLarge(StoreError):
    """What is to be stored is more than the engine takes; nothing was changed."""


class NotEmpty(StoreError):
    """Something is kept already; nothing was changed."""


class StoreInUse(StoreError):
    """Another process holds this store."""


class Unreadable(StoreError):
    """What is stored can't be read by this version."""

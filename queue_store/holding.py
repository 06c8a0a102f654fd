"""Who holds the embedded store's file: one process, which leads for as long as it does.

A lock file beside the file says so; the operating system lets go of it when its holder dies.
"""

import fcntl
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from uuid import uuid4

from queue_store.errors import Deposed, StoreInUse, StoreUnavailable
from queue_store.lease import Leadership

# The only term that there is.
_TERM = 1


class FileLease:
    """Leadership by holding the file: nobody can take it, and it does not run out."""

    def __init__(self, is_held: Callable[[], bool], *, seconds: float) -> None:
        self._is_held = is_held
        self._seconds = seconds
        self._released = False
        self._name = uuid4().hex[:8]

    @property
    def leader(self) -> Leadership | None:
        """Ourselves, while the file is held."""
        return None if self.term is None else Leadership(name=self._name, term=self.term)

    @property
    def term(self) -> int | None:
        """The only term that there is, while the file is held."""
        return _TERM if self._is_held() and not self._released else None

    @property
    def left(self) -> float:
        """As long as a lease that was renewed this moment."""
        return 0.0 if self.term is None else self._seconds

    @property
    def pause(self) -> float:
        """Nothing is ever due."""
        return self._seconds / 3

    async def keep(self) -> None:
        """Lead on, or again."""
        if not self._is_held():
            raise StoreUnavailable("the store is closed")
        self._released = False

    async def release(self) -> None:
        """Lead no more; another one leads once the file is closed."""
        self._released = True


def refuse_deposed(term: int | None) -> None:
    """Refuse what belongs to a term that never was.

    Raises:
        Deposed: it is not the only one.
    """
    if term not in {None, _TERM}:
        raise Deposed("nobody ever led this file in another term")


def refuse_unwritable(directory: Path) -> None:
    """Refuse a directory in which no file could be made.

    Raises:
        StoreUnavailable: it is one; the message says why.
    """
    _refuse_missing(directory)
    try:
        with TemporaryFile(dir=directory):
            return
    except OSError as error:
        raise StoreUnavailable(f"{directory} can't be written to: {error.strerror}") from error


def _refuse_missing(directory: Path) -> None:
    if not directory.is_dir():
        raise StoreUnavailable(f"the directory {directory} does not exist: make it first")


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def is_held(path: Path) -> bool:
    """Look whether a process holds the file; whoever takes it in that moment is not in the way."""
    try:
        with _lock_of(path).open("rb") as looked_at:
            fcntl.flock(looked_at, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def hold(path: Path) -> IO[bytes]:
    """Hold the file until what is answered is closed.

    Raises:
        StoreInUse: another process holds it, or another store in this one.
        StoreUnavailable: it can't be held; the message says why.
    """
    _refuse_missing(path.parent)
    try:
        lock = _lock_of(path).open("ab")
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be locked: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if isinstance(error, BlockingIOError):
            raise StoreInUse(f"another process holds {path}") from error
        raise StoreUnavailable(f"{path} can't be locked: {error.strerror}") from error
    return lock

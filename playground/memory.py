"""What the simulated office remembers from one start to the next, in a folder of its own."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from playground.garage import Garage, GaragePort
from playground.network import SimulatedChargePoint
from playground.slack.errors import UnreadableChat
from playground.slack.simulation import SimulatedSlack
from playground.soap import Feed


class SimulatedOffice(Struct, frozen=True, kw_only=True):
    """What is around the bot: its Slack, the garage, and ChargePoint's view of the garage."""

    slack: SimulatedSlack
    garage: Garage
    network: SimulatedChargePoint


class SavedGarage(Struct, frozen=True, kw_only=True):
    """The cars on their ports, and the event feeds that were registered."""

    ports: tuple[GaragePort, ...]
    sessions: int
    feeds: tuple[Feed, ...]


class Unusable(Exception):
    """The folder can't be used; the message says why, and what to do."""


class Memory:
    """The folder: the bot's own store, the chat and the garage.

    Whatever can't be made, read or written raises Unusable.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._garage = folder / "garage.json"
        self._chat = folder / "chat.json"
        self._lock = folder / "playground.lock"

    @property
    def store(self) -> Path:
        """The bot's own file, which only the bot opens."""
        return self._folder.resolve() / "queue.db"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder if it is missing, and keep every other playground out of it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = self._lock.open("w")
        except OSError as error:
            raise self._unusable(error) from error
        with lock:
            self._take(lock)
            yield

    def forget(self) -> None:
        """Start with an empty queue and an empty chat."""
        for each in self._folder.iterdir():
            if each.is_file() and each != self._lock:
                each.unlink()

    def garage(self) -> SavedGarage | None:
        """Answer the garage as it was; None at the first start."""
        if not self._garage.exists():
            return None
        try:
            return msgspec.json.decode(self._garage.read_bytes(), type=SavedGarage)
        except (msgspec.MsgspecError, OSError) as error:
            raise _unreadable(self._garage) from error

    def restore_chat(self, slack: SimulatedSlack) -> None:
        """Show the chat as it was."""
        if self._chat.exists():
            try:
                slack.workspace.restore(self._chat.read_bytes())
            except (UnreadableChat, OSError) as error:
                raise _unreadable(self._chat) from error

    def save(self, office: SimulatedOffice) -> None:
        """Keep the chat and the garage as they are now."""
        saved = SavedGarage(
            ports=office.garage.ports,
            sessions=office.garage.sessions,
            feeds=office.network.registered_feeds,
        )
        try:
            _write(self._garage, msgspec.json.encode(saved))
            _write(self._chat, office.slack.workspace.dump())
        except OSError as error:
            raise self._unusable(error) from error

    def _take(self, lock: IO[str]) -> None:
        try:
            # Let go of when its holder ends, however that comes about.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unusable(
                f"Another playground uses the folder {self._folder}; --state names another folder."
            ) from error

    def _unusable(self, error: OSError) -> Unusable:
        return Unusable(
            f"The folder {self._folder} can't be used ({error.strerror}); --state names another"
            " folder."
        )


def _unreadable(file: Path) -> Unusable:
    return Unusable(f"{file} can't be read; --fresh forgets it and starts anew.")


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all, should the power go.
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)

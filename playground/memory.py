"""What the simulated office remembers from one start to the next, in a folder of its own."""

from pathlib import Path

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


class Unreadable(Exception):
    """What was saved can't be read; the message says which file."""


class Memory:
    """The folder: the bot's own store, the chat and the garage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._garage = folder / "garage.json"
        self._chat = folder / "chat.json"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def store(self) -> Path:
        """The bot's own file, which only the bot opens."""
        return self._folder.resolve() / "queue.db"

    def forget(self) -> None:
        """Start with an empty queue and an empty chat."""
        for each in self._folder.iterdir():
            if each.is_file():
                each.unlink()

    def garage(self) -> SavedGarage | None:
        """Answer the garage as it was; None at the first start."""
        if not self._garage.exists():
            return None
        try:
            return msgspec.json.decode(self._garage.read_bytes(), type=SavedGarage)
        except msgspec.MsgspecError as error:
            raise Unreadable(f"{self._garage} can't be read: {error}") from error

    def restore_chat(self, slack: SimulatedSlack) -> None:
        """Show the chat as it was."""
        if self._chat.exists():
            try:
                slack.workspace.restore(self._chat.read_bytes())
            except UnreadableChat as error:
                raise Unreadable(f"{self._chat}: {error}") from error

    def save(self, office: SimulatedOffice) -> None:
        """Keep the chat and the garage as they are now."""
        saved = SavedGarage(
            ports=office.garage.ports,
            sessions=office.garage.sessions,
            feeds=office.network.registered_feeds,
        )
        _write(self._garage, msgspec.json.encode(saved))
        _write(self._chat, office.slack.workspace.dump())


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all, should the power go.
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)

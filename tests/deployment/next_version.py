"""The version after this one: it reads a new stored form, and writes what this one reads.

It is made of this one by the few changes that the guide to the code asks for, so that both can be
at work at once. What it changes is what everybody looks at: the queue has another name.
"""

import shutil
from pathlib import Path

from tests.bot.process import ROOT

PACKAGES = ("bot", "chargepoint", "queue_store")

NEW_NAME = """
def _renamed(stored: Json, before: str, after: str) -> Json:
    return {after if name == before else name: value for name, value in stored.items()}


STEPS: Mapping[int, Step] = {
    1: Step(
        forth=lambda stored: _renamed(stored, "queue", "line"),
        back=lambda stored: _renamed(stored, "line", "queue"),
    )
}
"""
CHANGES = {
    "queue_store/site.py": {
        "SCHEMA = 1": "SCHEMA = 2",
        "    queue: tuple[Entry, ...] = ()": (
            '    queue: tuple[Entry, ...] = msgspec.field(default=(), name="line")'
        ),
    },
    "queue_store/upgrades.py": {"STEPS: Mapping[int, Step] = {}": NEW_NAME},
    "queue_store/stored.py": {"WRITTEN = SCHEMA": "WRITTEN = SCHEMA - 1"},
}


def made(folder: Path) -> Path:
    """Make it in this folder, and answer that."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    for name, changes in CHANGES.items():
        text = (folder / name).read_text()
        for before, after in changes.items():
            assert text.count(f"\n{before}\n") == 1, before
            text = text.replace(f"\n{before}\n", f"\n{after}\n")
        (folder / name).write_text(text)
    return folder

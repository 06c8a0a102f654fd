"""The bundle that is uploaded, made of whatever is tracked here, committed or not yet."""

import os
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What git asks of whoever writes a commit, even one that nobody will see.
_SOMEBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Nobody", "EMAIL": "nobody@example.com"}.items()
}


def output(*command: str, **environment: str) -> str:
    """Run a command at the top of the project and answer what it prints."""
    return subprocess.run(  # noqa: S603 # our own commands
        command,
        cwd=ROOT,
        env={**os.environ, **environment},  # noqa: TID251 # git and make are the machine's own
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def as_it_stands() -> str:
    """Name a commit of every tracked file as it is now; it is on no branch."""
    return output("git", "stash", "create", **_SOMEBODY).strip() or "HEAD"


def made(file: Path, *, commit: str, **environment: str) -> Path:
    """Make the bundle of a commit as an administrator would."""
    output("make", "bundle", f"BUNDLE={file}", f"COMMIT={commit}", **environment)
    return file


def names(bundle: Path) -> list[str]:
    """Answer the names of the files in a bundle."""
    with zipfile.ZipFile(bundle) as opened:
        return [name for name in opened.namelist() if not name.endswith("/")]


def unpacked(bundle: Path, folder: Path) -> Path:
    """Unpack a bundle into a folder that is made for it."""
    folder.mkdir()
    with zipfile.ZipFile(bundle) as opened:
        opened.extractall(folder)
    return folder

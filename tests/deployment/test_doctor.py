"""The doctor is asked on an instance as the guide says, and sees what the bot sees."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.bundle import ROOT

# All that a shell could take for something else.
SETTINGS = {
    "SITE_NAME": "HQ  \"Garage\" 'B'",
    "CHARGEPOINT_API_PASSWORD": "$HOME `id` \\n = # *",
    "SLACK_BOT_TOKEN": "xoxb-1\nSLACK_CHANNEL=C0OTHER",
    "QUIET_DAYS": "",
}
TOOLS = {
    "sudo": '[ "$1 $2" = "-u webapp" ] && shift 2 && exec "$@"',
    "systemctl": '[ "$*" = "show --value --property=MainPID web" ] && echo {pid}',
    "python": 'exec {python} -c "{seen}" "$@"',
}
SEEN = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))"


def recipe() -> str:
    """Answer what the guide says to type."""
    text = (ROOT / "docs/running.md").read_text()
    ((typed, _),) = re.findall(r"(( {4}sudo -u webapp.*\n)(?: {4}.*\n)+)", text)
    return str(typed)


@contextmanager
def a_bot(tools: Path) -> Iterator[int]:
    """Run something that has the settings, as systemd would, and answer its number."""
    environment = {"PATH": f"{tools}:/usr/bin:/bin", **SETTINGS}
    waiting = ["/bin/sh", "-c", "read x"]
    with subprocess.Popen(waiting, env=environment, stdin=subprocess.PIPE) as it:  # noqa: S603 # ours
        try:
            yield it.pid
        finally:
            it.kill()


def asked(tools: Path, current: Path, pid: int) -> subprocess.CompletedProcess[str]:
    """Type it where the tools are, for a bot of this number."""
    told = {"pid": pid, "python": sys.executable, "seen": SEEN}
    for name, words in TOOLS.items():
        (tools / name).write_text(f"#!/bin/sh\n{filled(words, told)}\n")
        (tools / name).chmod(0o755)
    typed = recipe().replace("/var/app/current", str(current))
    return subprocess.run(  # noqa: S603 # our own words
        ["/bin/bash", "-c", typed],
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def filled(words: str, told: Mapping[str, Any]) -> str:
    """Put what is told in its places."""
    for name, value in told.items():
        words = words.replace(f"{{{name}}}", str(value))
    return words


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Make a folder of tools, and the application's."""
    tools, current = tmp_path / "tools", tmp_path / "current"
    tools.mkdir()
    current.mkdir()
    return tools, current


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="this is for Linux, as Elastic Beanstalk is"
)


@needs_proc
def test_the_doctor_has_every_setting_of_the_bots_as_it_is(folders: tuple[Path, Path]) -> None:
    """Whatever is in it, and wherever Elastic Beanstalk had it from."""
    tools, current = folders

    with a_bot(tools) as pid:
        answer = asked(tools, current, pid)

    assert answer.stderr == ""
    arguments, folder, environment = json.loads(answer.stdout)
    assert (arguments, folder) == (["-m", "bot", "check"], str(current))
    assert {name: environment.get(name) for name in SETTINGS} == SETTINGS


@needs_proc
def test_without_a_bot_the_doctor_is_not_asked(folders: tuple[Path, Path]) -> None:
    """He would complain of every setting, and none of that would be true."""
    answer = asked(*folders, pid=0)

    assert answer.returncode != 0
    assert "/proc/0/environ: No such file" in answer.stderr
    assert answer.stdout == ""

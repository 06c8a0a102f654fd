"""A real XMPP server, where one is installed, in a throwaway directory on loopback.

The listener's promises are tested against it as well as against the small server of the
playground, so that the small one cannot drift into a fiction.
"""

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

LOOPBACK = "127.0.0.1"
DOMAIN = "localhost"

CONFIGURATION = """
data_path = "{directory}/data"; pidfile = "{directory}/prosody.pid"
certificates = "{directory}"; run_as_root = true
daemonize = false; interfaces = {{ "127.0.0.1" }}; c2s_ports = {{ {port} }}
s2s_ports = {{ }}; http_ports = {{ }}; https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "disco", "ping", "posix", "presence", "message", "iq" }}
modules_disabled = {{ "s2s", "tls" }}
authentication = "internal_plain"; storage = "internal"
c2s_require_encryption = false; allow_unencrypted_plain_auth = true
log = {{ {{ levels = {{ min = "info" }}, to = "console" }} }}
VirtualHost "localhost"
"""


def is_installed() -> bool:
    """Whether there is a Prosody to run."""
    return shutil.which("prosody") is not None


@contextmanager
def prosody(directory: Path, accounts: Mapping[str, str]) -> Iterator[int]:
    """Run Prosody with these accounts; gives the port that it listens on."""
    port = _free_port()
    _write(directory, accounts, port)
    command = ["prosody", "-F", "--config", str(directory / "prosody.cfg.lua")]
    with Popen(command, stdout=PIPE, stderr=DEVNULL) as process:  # noqa: S603 - our own words
        try:
            _wait_until_it_listens(process)
            yield port
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _write(directory: Path, accounts: Mapping[str, str], port: int) -> None:
    stored = directory / "data" / DOMAIN / "accounts"
    stored.mkdir(parents=True)
    for user, password in accounts.items():
        (stored / f"{user.replace('-', '%2d')}.dat").write_text(
            f'return {{ ["password"] = "{password}"; }};', encoding="utf-8"
        )
    configuration = CONFIGURATION.format(directory=directory, port=port)
    (directory / "prosody.cfg.lua").write_text(configuration, encoding="utf-8")


def _wait_until_it_listens(process: Popen[bytes]) -> None:
    assert process.stdout is not None
    said = b""
    for line in process.stdout:
        said += line
        if b"Activated service 'c2s'" in line:
            return
    raise RuntimeError(f"Prosody did not start: {said.decode(errors='replace')}")

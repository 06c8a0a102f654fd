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

from msgspec import Struct

from tests.chargepoint.fixtures import FIXTURES

LOOPBACK = "127.0.0.1"
DOMAIN = "localhost"

CONFIGURATION = """
data_path = "{directory}/data"; pidfile = "{directory}/prosody.pid"
certificates = "{directory}"; run_as_root = true
daemonize = false; interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {ports.plain} }}; c2s_direct_tls_ports = {{ {ports.direct} }}
s2s_ports = {{ }}; http_ports = {{ }}; https_ports = {{ }}
modules_enabled = {{
  "roster", "saslauth", "disco", "ping", "posix", "presence", "message", "iq", "tls"
}}
modules_disabled = {{ "s2s" }}
ssl = {{ certificate = "{certificate}"; key = "{certificate}" }}
authentication = "internal_plain"; storage = "internal"
c2s_require_encryption = false; allow_unencrypted_plain_auth = true
log = {{ {{ levels = {{ min = "info" }}, to = "console" }} }}
VirtualHost "localhost"
"""


class Ports(Struct, frozen=True, kw_only=True):
    """Where it listens: in plain text with STARTTLS on offer, and with TLS from the first byte."""

    plain: int
    direct: int


def is_installed() -> bool:
    """Whether there is a Prosody to run."""
    return shutil.which("prosody") is not None


@contextmanager
def prosody(
    directory: Path,
    accounts: Mapping[str, str],
    *,
    certificate: Path = FIXTURES / "localhost.pem",
) -> Iterator[Ports]:
    """Run Prosody with these accounts and this certificate."""
    ports = Ports(plain=_free_port(), direct=_free_port())
    _write(directory, accounts, ports, certificate)
    command = ["prosody", "-F", "--config", str(directory / "prosody.cfg.lua")]
    with Popen(command, stdout=PIPE, stderr=DEVNULL) as process:  # noqa: S603 - our own words
        try:
            _wait_until_it_listens(process)
            yield ports
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _write(directory: Path, accounts: Mapping[str, str], ports: Ports, certificate: Path) -> None:
    stored = directory / "data" / DOMAIN / "accounts"
    stored.mkdir(parents=True)
    for user, password in accounts.items():
        (stored / f"{user.replace('-', '%2d')}.dat").write_text(
            f'return {{ ["password"] = "{password}"; }};', encoding="utf-8"
        )
    configuration = CONFIGURATION.format(directory=directory, ports=ports, certificate=certificate)
    (directory / "prosody.cfg.lua").write_text(configuration, encoding="utf-8")


def _wait_until_it_listens(process: Popen[bytes]) -> None:
    assert process.stdout is not None
    said = b""
    for line in process.stdout:
        said += line
        if all(b"Activated service '%s'" % each in said for each in (b"c2s", b"c2s_direct_tls")):
            return
    raise RuntimeError(f"Prosody did not start: {said.decode(errors='replace')}")

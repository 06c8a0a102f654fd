"""The server's side of a login: SASL PLAIN and SCRAM, as far as a simulated network needs them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Protocol

ROUNDS = 4096
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
MECHANISMS = (*HASHES, "PLAIN")


class Rejected(Exception):
    """The login is refused; says nothing about why."""


class Login(Protocol):
    """One login under way."""

    user: str
    done: bool

    def step(self, said: bytes) -> bytes:
        """Take what the client says and answer it; `done` tells whether that was the last.

        Raises:
            Rejected: the name or the password is wrong, or what was said is no such thing.

        """
        ...


def login(mechanism: str, accounts: Mapping[str, str]) -> Login:
    """Begin a login with one of MECHANISMS; `accounts` leads from user names to passwords."""
    if mechanism == "PLAIN":
        return _Plain(accounts)
    if mechanism in HASHES:
        return _Scram(HASHES[mechanism], accounts)
    raise Rejected


def decoded(text: str) -> bytes:
    """Undo the base64 that SASL wraps everything in."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Rejected from error


class _Plain:
    def __init__(self, accounts: Mapping[str, str]) -> None:
        self.user = ""
        self.done = False
        self._accounts = accounts

    def step(self, said: bytes) -> bytes:
        _, self.user, password = (*_text(said).split("\0"), "", "", "")[:3]
        if not _same(password.encode(), _password(self._accounts, self.user).encode()):
            raise Rejected
        self.done = True
        return b""


class _Scram:
    def __init__(self, hash_name: str, accounts: Mapping[str, str]) -> None:
        self.user = ""
        self.done = False
        self._hash = hash_name
        self._accounts = accounts
        self._salt = secrets.token_bytes(16)
        self._first = ""

    def step(self, said: bytes) -> bytes:
        return self._finish(_text(said)) if self._first else self._challenge(_text(said))

    def _challenge(self, said: str) -> bytes:
        # "n,," says that the client binds no channel; what follows is signed.
        bare = said.removeprefix("n,,").removeprefix("y,,")
        fields = _fields(bare)
        self.user = fields["n"].replace("=2C", ",").replace("=3D", "=")
        self._nonce = fields["r"] + secrets.token_hex(12)
        salt = base64.b64encode(self._salt).decode()
        challenge = f"r={self._nonce},s={salt},i={ROUNDS}"
        self._first = f"{bare},{challenge}"
        return challenge.encode()

    def _finish(self, said: str) -> bytes:
        fields = _fields(said)
        signed = f"{self._first},{said.rpartition(',p=')[0]}".encode()
        password = _password(self._accounts, self.user).encode()
        salted = hashlib.pbkdf2_hmac(self._hash, password, self._salt, ROUNDS)
        key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._hash, key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if fields["r"] != self._nonce or not _same(decoded(fields["p"]), proof):
            raise Rejected
        self.done = True
        verifier = self._hmac(self._hmac(salted, b"Server Key"), signed)
        return b"v=" + base64.b64encode(verifier)

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


def _password(accounts: Mapping[str, str], user: str) -> str:
    if user not in accounts:
        raise Rejected
    return accounts[user]


def _fields(said: str) -> dict[str, str]:
    fields = {part[:1]: part[2:] for part in said.split(",")}
    if not fields.keys() & {"n", "p"} or "r" not in fields:
        raise Rejected
    return fields


def _text(said: bytes) -> str:
    try:
        return said.decode()
    except UnicodeDecodeError as error:
        raise Rejected from error


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)

"""What can go wrong with the ChargePoint network.

ChargePointError               something about the network, in words for a log
├── Malformed                  the body of a station event isn't one
├── CredentialsRefused         the licence key and its password are not accepted
├── Unreachable                no answer: the network, or a server in trouble
│   ├── TimedOut               no answer in time
│   ├── NoSuchHost             the host's name leads nowhere
│   └── Untrusted              whoever answers can't prove to be that host
├── BadAnswer                  an answer that can't be read, is too large, or makes no sense
└── Refused                    a readable answer that says no, with ChargePoint's own code
    └── AccessDenied           our plan or our rights don't allow this call

No message holds a password, an envelope or a body.
"""


class ChargePointError(Exception):
    """Something about the ChargePoint network."""


class Malformed(ChargePointError):
    """The body of a station event isn't one."""


class CredentialsRefused(ChargePointError):
    """ChargePoint does not accept the licence key and its password."""


class Unreachable(ChargePointError):
    """ChargePoint did not answer; trying later may help."""


class TimedOut(Unreachable):
    """ChargePoint did not answer in time."""


class NoSuchHost(Unreachable):
    """The name of ChargePoint's host can't be resolved."""


class Untrusted(Unreachable):
    """Whoever answers has no certificate that proves it to be ChargePoint's host."""


class BadAnswer(ChargePointError):
    """ChargePoint's answer can't be read or makes no sense."""


class Refused(ChargePointError):
    """ChargePoint answered with another code than success; `code` is its own."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code


class AccessDenied(Refused):
    """Our plan or our rights don't allow this call."""

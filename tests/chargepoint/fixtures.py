"""What the real network sent, as recorded, with invented IDs."""

from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures" / "chargepoint"


def recorded(name: str) -> str:
    """Answer a recorded body or envelope."""
    return (FIXTURES / name).read_text(encoding="utf-8").strip()


def field(name: str, value: str) -> str:
    """Answer one field as the network writes it."""
    return f"<{name}><![CDATA[{value}]]></{name}>"


def without(body: str, name: str) -> str:
    """Answer the body without this field."""
    before, _, rest = body.partition(f"<{name}>")
    return before + rest.partition(f"</{name}>")[2]


def saying(body: str, name: str, value: str) -> str:
    """Answer the body with another value in this field."""
    before, _, rest = body.partition(f"<{name}>")
    return before + field(name, value) + rest.partition(f"</{name}>")[2]

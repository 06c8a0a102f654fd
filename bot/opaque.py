"""A driver's opaque ID, by which traces know them: the same for one driver at one site.

Traces leave for another service; who somebody is stays in the log. An opaque ID tells nothing by
itself, but whoever knows the Slack IDs of the people at a site can compute theirs, and compare.
"""

from hashlib import sha256

DIGITS = 12
# The facts that name one.
DRIVERS = ("by", "driver")


def opaque(site: str, driver: str) -> str:
    """Answer the first digits of SHA-256 of the site's ID, a colon and the driver's."""
    return sha256(f"{site}:{driver}".encode()).hexdigest()[:DIGITS]


def without_names(facts: dict[str, str], *, site: str) -> dict[str, str]:
    """Answer the facts with opaque IDs in the place of drivers."""
    return {
        name: opaque(site, value) if name in DRIVERS else value for name, value in facts.items()
    }

"""The production store's table, made as it should be, and looked at whether it still is."""

import time
from collections.abc import Iterator
from typing import Any

from queue_store.aws import NoTable, Table
from queue_store.errors import StoreUnavailable, Unreadable
from queue_store.patience import ADMINISTRATORS

_LOOK_SECONDS = 0.5

_KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
_DESIGN = {
    "KeySchema": _KEYS,
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
}
_EXPIRY = {"Enabled": True, "AttributeName": "expires"}


def create(name: str) -> Iterator[str]:
    """Make the table if it is missing, and tell what was done; harmless if repeated.

    Raises:
        StoreUnavailable: AWS is not set up, can't be reached, or refuses.
        Unreadable: there is a table of this name, and it is not ours.
    """
    table = Table(name, patience=ADMINISTRATORS)
    table.connect()
    try:
        yield _made(table)
        yield _expiring(table)
        yield _recoverable(table)
    finally:
        table.close()


def examined(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Answer in what the table is not as `create` leaves it, and what may not be looked at."""
    shortcomings, unseen = [], []
    for name, is_as_made in _LOOKS.items():
        try:
            if not is_as_made(table):
                shortcomings.append(f"no {name}")
        except StoreUnavailable:
            unseen.append(name)
    return tuple(shortcomings), tuple(unseen)


def _expires(table: Table) -> bool:
    found = _ask(table, "describe_time_to_live")["TimeToLiveDescription"]
    return found["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}


def _is_recoverable(table: Table) -> bool:
    found = _ask(table, "describe_continuous_backups")["ContinuousBackupsDescription"]
    recovery = found.get("PointInTimeRecoveryDescription", {})
    return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")


def _is_protected(table: Table) -> bool:
    return bool(_description(table).get("DeletionProtectionEnabled"))


_LOOKS = {
    "deletion of what expires": _expires,
    "point-in-time recovery": _is_recoverable,
    "protection from deletion": _is_protected,
}


def _made(table: Table) -> str:
    try:
        found = _description(table)
    except NoTable:
        _ask(table, "create_table", **_DESIGN)
        while _description(table)["TableStatus"] != "ACTIVE":
            time.sleep(_LOOK_SECONDS)
        return f"table {table.name} was made: on demand, protected from deletion"
    if found["KeySchema"] != _KEYS:
        raise Unreadable(f"table {table.name} is not a store of EV Concierge: name another")
    return f"table {table.name} is there"


def _expiring(table: Table) -> str:
    if _expires(table):
        return "what expires is deleted by itself"
    _ask(table, "update_time_to_live", TimeToLiveSpecification=_EXPIRY)
    return "what expires is deleted by itself from now on"


def _recoverable(table: Table) -> str:
    # Engines for one's own machine do without, and AWS lets administrators forbid it.
    try:
        specification = {"PointInTimeRecoveryEnabled": True}
        _ask(table, "update_continuous_backups", PointInTimeRecoverySpecification=specification)
    except StoreUnavailable as error:
        return f"without point-in-time recovery: {error}"
    return "every moment of the last 35 days can be recovered"


def _description(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = _ask(table, "describe_table")["Table"]
    return found


def _ask(table: Table, method: str, **terms: object) -> dict[str, Any]:
    return table.ask(method, {"TableName": table.name, **terms})

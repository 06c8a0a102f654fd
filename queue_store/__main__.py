"""The store's own commands: make the production table, and take a store's content elsewhere."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from queue_store import records
from queue_store.errors import NotEmpty, StoreError
from queue_store.opening import DynamoDbTable, Place, SqliteFile, located, open_store
from queue_store.patience import ADMINISTRATORS
from queue_store.records import Record

# Records are of every site; the one that a store is opened for doesn't matter to them.
_ANY_SITE = "*"

_STORE = "sqlite:PATH or dynamodb:TABLE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; answer 0 if it was done, 1 if not, 2 if it was asked wrongly."""
    asked = _parser().parse_args(arguments)
    try:
        asked.do(asked)
    except NotEmpty as error:
        return _failed(f"{error}; --replace drops what is there")
    except StoreError as error:
        return _failed(str(error))
    except BrokenPipeError:
        # Whoever read what was exported has had enough.
        sys.stderr.close()
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m queue_store", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make the table of the production store")
    create.add_argument("table", metavar="dynamodb:TABLE", type=_table)
    create.set_defaults(do=_create)
    out = commands.add_parser("export", help="print everything that is kept, as JSON lines")
    out.add_argument("store", metavar="STORE", type=_place, help=_STORE)
    out.set_defaults(do=_export)
    into = commands.add_parser("import", help="keep what an export printed, read from stdin")
    into.add_argument("--replace", action="store_true", help="drop what is kept there")
    into.add_argument("store", metavar="STORE", type=_place, help=_STORE)
    into.set_defaults(do=_import)
    return parser


def _create(asked: argparse.Namespace) -> None:
    from queue_store.table import create  # noqa: PLC0415 # who has no table needs no boto3

    for line in create(asked.table.name):
        _say(line)


def _export(asked: argparse.Namespace) -> None:
    kept = asyncio.run(_kept(asked.store))
    for line in records.written(kept):
        sys.stdout.buffer.write(line)
    sys.stdout.flush()
    _say(f"{_counted(kept)} exported")


def _import(asked: argparse.Namespace) -> None:
    kept = records.read(sys.stdin.buffer)
    asyncio.run(_keep(asked.store, kept, replace=asked.replace))
    _say(f"{_counted(kept)} imported")


async def _kept(place: Place) -> list[Record]:
    if isinstance(place, SqliteFile) and not place.path.exists():
        raise StoreError(f"there is no file {place.path}")
    store = await open_store(place, site=_ANY_SITE, patience=ADMINISTRATORS)
    try:
        return await store.records()
    finally:
        await store.close()


async def _keep(place: Place, kept: list[Record], *, replace: bool) -> None:
    store = await open_store(place, site=_ANY_SITE, patience=ADMINISTRATORS)
    try:
        await store.restore(kept, replace=replace)
    finally:
        await store.close()


def _place(text: str) -> Place:
    try:
        return located(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _table(text: str) -> DynamoDbTable:
    place = _place(text)
    if not isinstance(place, DynamoDbTable):
        raise argparse.ArgumentTypeError("a file is made when it is first opened")
    return place


def _counted(kept: list[Record]) -> str:
    return "1 record" if len(kept) == 1 else f"{len(kept)} records"


def _failed(words: str) -> int:
    _say(words)
    return 1


def _say(words: str) -> None:
    print(words, file=sys.stderr)  # noqa: T201 # a command speaks to whoever typed it


if __name__ == "__main__":
    sys.exit(main())

"""What AWS must allow for the requests that are made of DynamoDB, and what we ask it for."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from queue_store import aws

DOCS = Path(__file__).parents[1] / "docs"

BOT, ADMINISTRATOR = "iam-policy.json", "iam-policy.administrator.json"

# By AWS's guide a transaction needs what each of its parts would need alone.
_PARTS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}


def policy(file: str) -> dict[str, Any]:
    """Read a policy."""
    read: dict[str, Any] = json.loads((DOCS / file).read_text())
    return read


def allowed(file: str, service: str = "dynamodb") -> set[str]:
    """Answer every action of a service that a policy allows."""
    actions = {each for statement in policy(file)["Statement"] for each in statement["Action"]}
    return {each for each in actions if each.startswith(f"{service}:")}


def needed(operation: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Answer the actions that a request must be allowed."""
    if operation == "TransactWriteItems":
        for part in parameters["TransactItems"]:
            yield from (_PARTS[verb] for verb in part)
    else:
        yield f"dynamodb:{operation}"


def watch(monkeypatch: pytest.MonkeyPatch, each: Callable[[str], None]) -> None:
    """Tell of every action that a request needs, before it is made."""
    client = aws._client

    def hear(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 # botocore's
        for action in needed(model.name, params):
            each(action)

    def watched(*terms: Any) -> Any:  # noqa: ANN401 # whatever a client is made of
        made = client(*terms)
        made.meta.events.register("before-parameter-build.dynamodb", hear)
        return made

    monkeypatch.setattr(aws, "_client", watched)

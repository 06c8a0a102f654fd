"""How Elastic Beanstalk reads its configuration files, as far as ours go."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
# What Elastic Beanstalk puts in place of a reference, of which there are no others here.
REGION = {"AWS::Region": "eu-central-1"}


class Option(Struct, frozen=True):
    """One option that is set."""

    namespace: str
    name: str
    value: Any


class Unique(yaml.SafeLoader):
    """Refuses what YAML allows and nobody means: a key that stands there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 # its base's
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"twice in one place: {keys}"
        return super().construct_mapping(node, deep=deep)


def read(file: Path) -> dict[str, Any]:
    """Read a configuration file."""
    found: dict[str, Any] = yaml.load(file.read_text(), Loader=Unique)  # noqa: S506 # a safe one
    return found


def options(*files: Path) -> Iterator[Option]:
    """Answer what the files set."""
    for file in files:
        for namespace, settings in read(file)["option_settings"].items():
            for name, value in settings.items():
                yield Option(namespace, name, value)


def resolved(value: str, references: Mapping[str, str] = REGION) -> str:
    """Answer the value that Elastic Beanstalk makes of what stands between backticks."""
    if not value.startswith("`"):
        return value
    assert value.endswith("`")
    return _evaluated(json.loads(value.strip("`")), references)


def _evaluated(function: Any, references: Mapping[str, str]) -> str:  # noqa: ANN401 # JSON
    match function:
        case str(text):
            return text
        case {"Ref": name, **nothing} if not nothing:
            return references[name]
        case {"Fn::Join": [str(between), [*parts]], **nothing} if not nothing:
            return between.join(_evaluated(part, references) for part in parts)
    raise AssertionError(f"not a function that Elastic Beanstalk knows: {function}")


def environment(*files: Path, **references: str) -> dict[str, str]:
    """Answer the environment variables that the files set."""
    return {
        option.name: resolved(option.value, {**REGION, **references})
        for option in options(*files)
        if option.namespace == ENVIRONMENT
    }

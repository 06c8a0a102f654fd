"""What is installed in production is what the tests ran with: all of it pinned, and nothing else.

Nothing is asked of a package index: what each pinned package needs is read from the copy that is
installed here.
"""

import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN, TEST = "requirements.txt", "requirements-dev.txt"

PYTHONS = ("3.11", "3.12", "3.13")
# Elastic Beanstalk's two kinds of machine.
MACHINES = ("x86_64", "aarch64")


class Pin(Struct, frozen=True):
    """One line of a file of pins."""

    requirement: Requirement

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> Version:
        (exact,) = self.requirement.specifier
        return Version(exact.version)

    def applies(self, on: dict[str, str]) -> bool:
        """Tell whether it is installed there at all."""
        return self.requirement.marker is None or self.requirement.marker.evaluate({**on})


def pins(file: str) -> dict[str, Pin]:
    """Answer the pins in a file by their names."""
    lines = (line.strip() for line in (ROOT / file).read_text().splitlines())
    read = [Pin(Requirement(line)) for line in lines if line and not line.startswith("#")]
    return {pin.name: pin for pin in read}


def ranges(file: str) -> list[Requirement]:
    """Answer what pyproject.toml asks for, for running the bot or also for testing it."""
    asked = [*PROJECT["project"]["dependencies"]]
    if file == TEST:
        asked += PROJECT["dependency-groups"]["dev"]
    return [Requirement(each) for each in asked]


def machine(python: str, kind: str) -> dict[str, str]:
    """Answer what decides on one of Elastic Beanstalk's machines which packages are needed."""
    return {
        **here(),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": kind,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def here() -> dict[str, str]:
    """Answer the same of this machine."""
    return {name: str(value) for name, value in default_environment().items()}


MACHINES_OF_ALL_KINDS = [machine(python, kind) for python, kind in product(PYTHONS, MACHINES)]


def needed(asked: list[Requirement], on: dict[str, str]) -> Iterator[tuple[str, SpecifierSet]]:
    """Answer every package that is needed there, as often as it is asked for, and which versions.

    A package that is not installed here has requirements that can't be known, so it must be.
    """
    waiting, met = [*asked], set[tuple[str, frozenset[str]]]()
    while waiting:
        each = waiting.pop()
        name = canonicalize_name(each.name)
        yield name, each.specifier
        if (name, frozenset(each.extras)) not in met:
            met.add((name, frozenset(each.extras)))
            waiting += _needs(each, on)


def _needs(asked: Requirement, on: dict[str, str]) -> Iterator[Requirement]:
    for line in distribution(asked.name).requires or ():
        needs = Requirement(line)
        extras = ["", *asked.extras]
        if needs.marker is None or any(
            needs.marker.evaluate({**on, "extra": extra}) for extra in extras
        ):
            yield needs


@pytest.mark.parametrize("file", [RUN, TEST])
class TestPins:
    """Whatever is not pinned is another thing tomorrow than it was when the tests ran."""

    def test_every_line_is_a_pin(self, file: str) -> None:
        """An option or an editable path would not even be read as one."""
        assert "\r" not in (ROOT / file).read_text()
        for pin in pins(file).values():
            (exact,) = pin.requirement.specifier
            assert exact.operator == "==", pin
            assert "*" not in exact.version, pin
            assert pin.requirement.url is None, pin

    def test_every_range_has_a_pin_within_it(self, file: str) -> None:
        """A range that was changed without `make lock` would be tested by nobody."""
        for each in ranges(file):
            pin = pins(file).get(canonicalize_name(each.name))
            assert pin is not None, f"{each.name} is not pinned"
            assert each.specifier.contains(pin.version), f"{each} is pinned at {pin.version}"

    def test_whatever_these_need_is_pinned_too_at_a_version_that_suits(self, file: str) -> None:
        for on in MACHINES_OF_ALL_KINDS:
            there = {name: pin for name, pin in pins(file).items() if pin.applies(on)}
            for name, wanted in needed(ranges(file), on):
                assert name in there, f"{name} is not pinned for {on['python_version']}"
                assert wanted.contains(there[name].version), f"{name} must be {wanted}"

    def test_nothing_is_pinned_that_nobody_needs(self, file: str) -> None:
        """What only tests need has no place on a server, and what nothing needs nowhere."""
        for on in MACHINES_OF_ALL_KINDS:
            there = {name for name, pin in pins(file).items() if pin.applies(on)}
            assert there - {name for name, _ in needed(ranges(file), on)} == set()

    def test_what_is_installed_here_is_what_is_pinned(self, file: str) -> None:
        """Else the tests would speak of other versions than those which are deployed."""
        for pin in pins(file).values():
            if pin.applies(here()):
                assert Version(distribution(pin.name).version) == pin.version, pin.name


def test_the_tests_run_with_what_is_deployed() -> None:
    both = pins(TEST)

    for name, pin in pins(RUN).items():
        assert both[name].requirement == pin.requirement


def test_every_python_that_is_promised_is_looked_at() -> None:
    least = SpecifierSet(PROJECT["project"]["requires-python"])

    assert all(least.contains(python) for python in PYTHONS)
    assert not least.contains("3.10")

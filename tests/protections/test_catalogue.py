"""Every protection's patch applies, and the tests that have to notice are there."""

import re

import pytest

from tests.protections.catalogue import ROOT, Protection, protections

_NAMED = re.compile(r"(?P<file>tests/[\w/]+\.py)(::(?P<test>\w+))?")


@pytest.mark.parametrize("protection", protections(), ids=lambda each: each.promise)
def test_the_patch_applies_and_changes_something(protection: Protection) -> None:
    text = (ROOT / protection.file).read_text()

    assert protection.removed_from(text) != text


@pytest.mark.parametrize("protection", protections(), ids=lambda each: each.promise)
def test_the_tests_that_have_to_notice_are_there(protection: Protection) -> None:
    for named in filter(None, map(_NAMED.match, protection.tests)):
        text = (ROOT / named["file"]).read_text()
        assert named["test"] is None or f"def {named['test']}(" in text


def test_every_protection_has_tests() -> None:
    assert all(_NAMED.match(protection.tests[0]) for protection in protections())


def test_no_promise_is_listed_twice() -> None:
    promises = [protection.promise for protection in protections()]

    assert len(promises) == len(set(promises))

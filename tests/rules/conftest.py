"""Where most of the stories begin."""

import pytest

from tests.story import EAST, WEST, Story


@pytest.fixture
def story() -> Story:
    """Open an office with two ports, both taken by cars that nobody knows: sessions 1 and 2."""
    story = Story()
    story.plugs_in(EAST, "600001")
    story.plugs_in(WEST, "600002")
    return story

"""Two instances behave as one, in whatever order things happen, and whoever dies or sleeps."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.instances.life import lived


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), acts=st.integers(1, 150), trouble=st.sampled_from((0.0, 0.1)))
def test_two_instances_are_as_one(seed: int, acts: int, trouble: float) -> None:
    asyncio.run(lived(seed, acts=acts, trouble=trouble))

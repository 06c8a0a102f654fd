"""What holds for all tests."""

from hypothesis import settings

# How long an example takes depends on what else the machine does; the suite has its own limit.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

"""Engines for the bots that may die, as the stores' own tests have them."""

from tests.queue_store.conftest import reach_engine, servers

__all__ = ["reach_engine", "servers"]

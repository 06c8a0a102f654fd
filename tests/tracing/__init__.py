"""Traces: what is exported, and how that is proved."""

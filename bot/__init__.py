"""EV Concierge: events in, one pure decision, effects out."""

__version__ = "0.1.0"

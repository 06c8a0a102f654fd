"""EV Concierge: events in, one pure decision, effects out."""

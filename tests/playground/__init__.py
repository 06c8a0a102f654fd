"""The simulated office, held to what the real services do."""

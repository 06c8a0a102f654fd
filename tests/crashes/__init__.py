"""Proofs that nothing is lost: the bot is ended at every step of its day, and carries on."""

"""What was ever stored, kept as it was written: every later version has to read it."""

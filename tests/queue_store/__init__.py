"""The contract of every store, and what each keeps besides."""

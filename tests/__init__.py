"""The tests, read as stories."""

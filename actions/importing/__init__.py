"""Applying the rows of an imported file."""

"""Runs: actions on many rows in the background."""

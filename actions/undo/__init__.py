"""Undoing a changeset, step by step."""

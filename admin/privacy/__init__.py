"""Looks at single masked values."""

"""Declared actions on rows: forms, previews, running them."""

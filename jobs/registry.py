"""Importing this module declares every job; app.py does so once."""

from jobs import housekeeping, loyalty, statements

__all__ = ["housekeeping", "loyalty", "statements"]

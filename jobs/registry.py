"""Importing this module declares every job; app.py does so once."""

from jobs import housekeeping, lapse_warnings, loyalty, statements

__all__ = ["housekeeping", "lapse_warnings", "loyalty", "statements"]

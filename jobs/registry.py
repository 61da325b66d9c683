"""Importing this module declares every job; app.py does so once."""

from jobs import housekeeping, loyalty

__all__ = ["housekeeping", "loyalty"]

"""Importing this module declares every job; app.py does so once."""

from jobs import loyalty

__all__ = ["loyalty"]

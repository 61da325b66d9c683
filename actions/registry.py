"""Importing this module declares every action and every rule of the generated forms; app.py does so once.

A module of a room is found there; it is listed nowhere. What only prints declares nothing and is read when something is
printed.
"""

import actions
from models.discovery import import_all

PRINTING = ("statements.glyphs", "statements.pdf")
import_all(actions.__name__, actions.__path__, but=("cli", "registry", *PRINTING))

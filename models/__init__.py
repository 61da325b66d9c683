"""What is true: tables, constraints and invariants. Importing the package completes the metadata: a table is found in
its module and listed nowhere."""

import models.zones  # noqa: I001  before any zone is made: it decides where they are read from
import models.masks  # noqa: F401  before any model: it masks the rows of what is declared from then on
from models.discovery import import_all

WORKSHOP = "autogenerate", "backup", "cli", "migrations", "rescaling", "schema", "silence", "standing"
"""Modules that declare nothing: they bring a database up to date, keep it, or connect to it."""

import_all(__name__, __path__, but=WORKSHOP)

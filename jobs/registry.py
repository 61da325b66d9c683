"""Importing this module declares every job; app.py does so once. A module of jobs/ is found; it is listed nowhere."""

import jobs
from models.discovery import import_all

import_all(jobs.__name__, jobs.__path__, but=("cli", "registry"))

"""Commands of the ground floor: loading the demo shop."""

from __future__ import annotations

from collections.abc import Callable

import click
from sqlalchemy import Engine


def commands(
    engine: Callable[[], Engine], hash_password: Callable[[str], str] | None = None
) -> list[click.Command]:
    """Return the commands, ready to register.

    :param engine: gives the configured engine when a command runs.
    :param hash_password: makes the stored form of a password; without it the demo shop gets no staff.
    """
    return []

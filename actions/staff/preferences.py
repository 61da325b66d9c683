"""What each member of staff chose for their own screens: no fact about a customer, so not in the journal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, bindparam, select, text
from sqlalchemy.orm import Session

from models.dialect import WRITE
from models.preference import Preference
from models.types import Json

_SAVE = text(
    "INSERT INTO staff_preference (user_id, name, value) VALUES (:user_id, :name, :value) "
    "ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value"
).bindparams(bindparam("value", type_=Json))


def save_preference(engine: Engine, user_id: int, name: str, value: Any) -> None:
    """Keep one choice of one person, in a short transaction of its own; the last of two at once holds."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(_SAVE, {"user_id": user_id, "name": name, "value": value})


def load_preferences(session: Session, user_id: int) -> dict[str, Any]:
    """Return name -> value of every choice a person has made, in one statement."""
    wanted = select(Preference.name, Preference.value).where(Preference.user_id == user_id)
    return {row.name: row.value for row in session.execute(wanted)}

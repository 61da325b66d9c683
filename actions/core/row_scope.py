"""Row scope at the action: what the person acting in one of the runner's sessions may see and lock (rule 17.3).

In a customer's portal that is what is the customer's own, for the customer and for staff logged in as them.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from actions.core.journal import JOURNAL
from models.base import Base
from models.row_scope import Channels, channels_of, in_scope, is_limited, is_of

CHANNELS = "channels"


def channels_in(session: Session) -> Channels:
    """Return what the person acting in one of the runner's sessions is limited to, read once an action.

    It is read in the action's own transaction and not taken from who asks, so that no channel can forget to say it,
    and a run is held, at each of its steps, to what its starter sees by then.
    """
    if CHANNELS not in session.info:
        journal = session.info.get(JOURNAL)
        session.info[CHANNELS] = channels_of(session, journal.header["actor_id"] if journal else None)
    found: Channels = session.info[CHANNELS]
    return found


def owner_in(session: Session) -> int | None:
    """Return the customer whose portal one of the runner's sessions acts in; None outside of it."""
    journal = session.info.get(JOURNAL)
    found: int | None = journal.header.get("on_behalf_of_id") if journal else None
    return found


def seen(session: Session, model: type[Base]) -> list[ColumnElement[bool]]:
    """Return the conditions that keep a statement to what the person acting may see; none where that is everything."""
    if not is_limited(model):
        return []
    owner = owner_in(session)
    found = in_scope(model, channels_in(session)), None if owner is None else is_of(model, owner)
    return [clause for clause in found if clause is not None]

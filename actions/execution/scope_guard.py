"""Nobody writes what is out of their scope, nor puts anything there, whatever the channel (rule 17.3).

The runner's locks find no row out of the actor's scope. Besides, what a save newly refers to is looked for within it,
which names the field at fault; and every flush looks at what it has written, so that no action can get it wrong.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

from sqlalchemy import Column, event, not_, select
from sqlalchemy.orm import Session

from actions.core.base import Refused
from actions.core.journal import JOURNAL
from actions.core.row_scope import channels_in, owner_in, seen
from models.base import N_, Base
from models.row_scope import BOOKKEEPING, is_limited, model_of

OUT_OF_SCOPE = (
    "out_of_scope",
    N_("You only have access to some sales channels and would lose access to this record."),
)
NO_SUCH = N_("Choose an option from the list.")


def hidden_references(session: Session, row: Base, changed: set[str], *, created: bool) -> dict[str, str]:
    """Return field -> sentence for what a row newly refers to out of the actor's scope: as if it did not exist."""
    if channels_in(session) is None and owner_in(session) is None:
        return {}
    found = {}
    for column, target in _references(type(row)):
        name, value = column.name.removesuffix("_id"), getattr(row, column.name)
        newly = created or {name, column.name} & changed
        if newly and value is not None and not _is_seen(session, target, value):
            found[name] = NO_SUCH
    return found


@cache
def _references(model: type[Base]) -> tuple[tuple[Column[Any], type[Base]], ...]:
    columns: Any = model.__table__.columns
    keys = ((c, model_of(key.column.table.name)) for c in columns for key in c.foreign_keys)
    return tuple((column, target) for column, target in keys if target is not None and is_limited(target))


def _is_seen(session: Session, model: type[Base], row_id: int) -> bool:
    key = model.__mapper__.primary_key[0]
    with session.no_autoflush:
        return session.scalar(select(key).where(key == row_id, *seen(session, model))) is not None


@event.listens_for(Session, "after_flush")
def _look_again(session: Session, context: object) -> None:
    """Refuse what leaves a row out of the writer's own scope."""
    if JOURNAL not in session.info:
        return
    written: dict[type[Any], set[int]] = defaultdict(set)
    for row in (*session.new, *session.dirty):
        if isinstance(row, Base) and row.__tablename__ not in BOOKKEEPING and is_limited(type(row)):
            written[type(row)].add(row.id)  # type: ignore[attr-defined]
    for model, ids in written.items():
        key = model.__mapper__.primary_key[0]
        for clause in seen(session, model):
            if session.scalar(select(key).where(key.in_(ids), not_(clause)).limit(1)):
                raise Refused(*OUT_OF_SCOPE)

"""The journal in words: who did what when, before and after of each field."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import selectinload

from actions.base import ACTIONS
from admin import cells
from admin.context import allowed, clientele, now, session, shop
from admin.fields import Field, label_of
from admin.pages import Event, FieldChange
from models.account import AccountEntry, Invoice
from models.base import Base
from models.credit import CreditEntry
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyEntry

if TYPE_CHECKING:
    from admin.base import Screen

SHOWN = 8
BOOKKEEPING = frozenset({"version", "created_at", "updated_at"})
LEDGERS: tuple[type[Any], ...] = (LoyaltyEntry, AccountEntry, Invoice, CreditEntry)


def recent(screen: Screen, row: Any, most: int = SHOWN) -> list[Event]:
    """Return the newest events of a record, for those who may read its journal."""
    if isinstance(row, Changeset) or not row.__journal__:
        return []
    found = session().scalars(changesets_of(row).options(selectinload(Changeset.changes)).limit(most))
    return [event(changeset, row) for changeset in found]


def url_of(screen: Screen, row: Any) -> str | None:
    """Return the address of the Activity list narrowed to a record."""
    if not allowed("list", "changeset") or not isinstance(row, Customer):
        return None
    return url_for("screen_changeset.index_view", customer__eq=row.id)


def changesets_of(row: Any) -> Select[Any]:
    """Return the changesets that touched a record, newest first; for a customer, everything that is theirs too."""
    if isinstance(row, Customer):
        touched = customer_changesets(row.id)
        return select(Changeset).where(Changeset.id.in_(touched)).order_by(Changeset.id.desc())
    rows = select(Change.changeset_id).where(Change.table_name == row.__tablename__, Change.row_id == row.id)
    return select(Changeset).where(Changeset.id.in_(rows)).order_by(Changeset.id.desc())


def customer_changesets(customer_id: int) -> Any:
    """Return the ids of all changesets about a customer: journalled rows and ledger rows, each branch by its index."""
    branches = [select(Change.changeset_id).where(Change.customer_id == customer_id)]
    branches += [select(ledger.changeset_id).where(ledger.customer_id == customer_id) for ledger in LEDGERS]
    return union_all(*branches)


def event(changeset: Changeset, row: Base | None = None) -> Event:
    """Return one changeset as an event; with ``row``, its changes to that record come first."""
    changes = [change for c in changeset.changes for change in field_changes(c)]
    screen = clientele().screens.get("changeset")
    url = screen.url_to("details_view", id=changeset.id) if screen and allowed("show", "changeset") else None
    return Event(
        title_of(changeset),
        cells.moment(changeset.at, now(), shop()),
        changeset.actor_name,
        url,
        changeset.reason,
        changes[:4],
    )


def title_of(changeset: Changeset) -> str:
    """Return what was done, in words: the action's label and the noun."""
    noun = nouns().get(changeset.action.split(".")[0], "")
    verb = changeset.action.rpartition(".")[2]
    words = {
        "create": _("%(noun)s created", noun=noun),
        "edit": _("%(noun)s changed", noun=noun),
        "delete": _("%(noun)s deleted", noun=noun),
    }
    if verb in words and noun:
        return words[verb]
    declared = ACTIONS.get(changeset.action)
    return (
        _(declared.label) if declared else changeset.action.replace(".", " ").replace("_", " ").capitalize()
    )


def nouns() -> dict[str, str]:
    """Return table name -> singular, for every model that has one."""
    return {
        m.class_.__tablename__: _(m.class_.__label__) for m in Base.registry.mappers if m.class_.__label__
    }


def field_changes(change: Change) -> list[FieldChange]:
    """Return one row's changed fields in words. A created or deleted row says so in a single line each field it has."""
    model = models().get(change.table_name)
    if model is None:
        return []
    before, after = change.before or {}, change.after or {}
    names = [name for name in dict.fromkeys((*before, *after)) if name not in BOOKKEEPING]
    if change.before is None or change.after is None:
        names = [n for n in names if not n.endswith("_id")][:6]
    return [
        FieldChange(
            label(model, name), words(model, name, before.get(name)), words(model, name, after.get(name))
        )
        for name in names
    ]


def models() -> dict[str, type[Base]]:
    """Return table name -> model."""
    return {m.class_.__tablename__: m.class_ for m in Base.registry.mappers}


def label(model: type[Base], name: str) -> str:
    """Return a column's name as its screen heads it."""
    screen = clientele().by_model.get(model)
    name = name.removesuffix("_id")
    return screen.get_column_name(name) if screen else _(name.replace("_", " ").capitalize())


def words(model: type[Base], name: str, value: Any) -> Any:
    """Return a journalled value as a person reads it."""
    if value is None or value == "":
        return _("nothing")
    screen = clientele().by_model.get(model)
    try:
        field = screen.field(name) if screen else None
    except AttributeError:
        field = None
    if field is None:
        return str(value)
    return _typed(field, value)


def _typed(field: Field, value: Any) -> Any:
    match field.kind:
        case "date":
            return cells.day(dt.date.fromisoformat(value), shop())
        case "datetime":
            return cells.moment(dt.datetime.fromisoformat(value), now(), shop())
        case "choice":
            return label_of(field.choices(value))  # type: ignore[misc]
        case "text":
            return cells.shorten(str(value))
        case "json":
            return str(value)
        case _:
            return cells.show(field.kind, value, shop=shop(), now=now())

"""A record as it was at a moment, beside what it is now."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import redirect, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from actions.core.base import Invalid
from actions.undo.history import Past, PastRow, as_it_was
from actions.undo.undo import stored_value
from admin.history import activity, available_points
from admin.history.activity import Names, past_url
from admin.layout import formatters
from admin.layout.frame import frame
from admin.request.context import allowed
from admin.request.grantable import is_changeable, why_unchangeable
from admin.screen_spec.column_info import Field
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Text
from models import masks
from models.base import N_
from models.personal import policy
from web.arguments import BadArgument, parse_id
from web.request import memo, now, session, shop, zone

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
NO_TARGET = N_("The value here then has been deleted since, so it cannot be restored.")
CLOSED = N_("This record was merged or erased and cannot be changed.")
UNREADABLE = N_("The value here then is in a format that is no longer used.")
Row = tuple[Text, Text]


@dataclass(frozen=True, slots=True)
class PastField:
    """One field: what stood there then and, where that differs, what stands there now and how the former comes back."""

    label: Text
    then: Text
    now: Text = ""
    differs: bool = False
    restore_url: str = ""
    why_not: Text = ""


@dataclass(frozen=True, slots=True)
class PastLine:
    """A related row as it was, with a word on what became of it."""

    text: Text
    url: str
    since: Text


@dataclass(frozen=True, slots=True)
class PastPage:
    """What the template prints."""

    title: str
    when: str
    resource: str
    id: int
    url: str
    typed: str
    """The moment as the input has it: the shop's own time."""
    exists: bool
    differences: int
    notes: Sequence[Text]
    sections: Sequence[tuple[Text, Sequence[PastField]]]
    related: Sequence[tuple[Text, Sequence[PastLine]]]


# -- the moment ---------------------------------------------------------------------------------------------


def parse_moment(raw: str | None) -> dt.datetime:
    """Return an instant; without an offset it is the shop's own time, the first of an hour that comes twice.

    :raises BadArgument: ``at``, it is no time. :raises Invalid: ``at``, it lies ahead, or before all calendars.
    """
    try:
        if raw is None or not MOMENT.fullmatch(raw):
            raise ValueError
        given = dt.datetime.fromisoformat(raw)
    except ValueError:
        raise BadArgument("at", _("a date and time such as 2026-01-31T14:30")) from None
    if not 1000 <= given.year <= 9998:
        raise Invalid({"at": N_("Choose a date between the years 1000 and 9998.")})
    moment = (given if given.tzinfo else given.replace(tzinfo=zone())).astimezone(dt.UTC)
    if moment > now():
        raise Invalid({"at": N_("This date is in the future.")})
    return moment


def _second_time(moment: dt.datetime, where: ZoneInfo) -> dt.datetime | None:
    """Return the other instant of the same local time, where clocks were put back and the hour came twice."""
    local = moment.astimezone(where).replace(fold=0)
    early, late = (local.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    return None if early >= late else late if moment == early else early


def exact(moment: dt.datetime) -> str:
    """Return a moment as people of the shop write it."""
    return format_datetime(formatters.local(moment, shop()), "d MMM yyyy, HH:mm", locale=shop().locale)


# -- the page -----------------------------------------------------------------------------------------------


def show(screen: ScreenSpec) -> Any:
    """Answer the page of a record as it was, or say why there is none for that moment.

    At the very moment of its deletion a record is shown as it was right before: an event leads there.
    """
    try:
        past = asked(screen)
    except Invalid:
        past = _right_before(screen)
    if request.args.get("at") != utc(past.moment):
        return redirect(past_url(screen, past.id, past.moment))
    page = build(screen, past)
    return render_template("admin/past.html", page=page, frame=frame(screen.resource))


def _right_before(screen: ScreenSpec) -> Past:
    """Return the record as it was an instant earlier. :raises Invalid: it was not there then either."""
    moment = parse_moment(request.args.get("at")) - dt.timedelta(microseconds=1)
    return read(screen, parse_id("id", request.args.get("id")), moment)


def utc(moment: dt.datetime) -> str:
    """Return a moment as links have it: in UTC, where no hour comes twice."""
    return moment.isoformat().replace("+00:00", "Z")


def asked(screen: ScreenSpec) -> Past:
    """Return the record and moment that the address names."""
    if not screen.model.__journal__:
        raise BadArgument("id", _("entries like this never change"))
    row_id, moment = parse_id("id", request.args.get("id")), parse_moment(request.args.get("at"))
    return read(screen, row_id, moment)


def read(screen: ScreenSpec, row_id: int, moment: dt.datetime) -> Past:
    """Return a record within scope as it was.

    One that is gone is shown only where the screen shows everybody everything: nobody can say any more in whose
    scope it was.

    :raises NotFound: not there, or not theirs to see. :raises Invalid, Refused: as :func:`as_it_was`.
    """
    row = screen.get_one(row_id)
    if row is None and screen.narrowed:
        screen.get_or_404(row_id)
    return as_it_was(session(), screen.model, row_id, moment)


def build(screen: ScreenSpec, past: Past) -> PastPage:
    """Return the page of a record as it was."""
    names = names_of(screen, past)
    sections = [(label, [_field(screen, past, n, names) for n in some]) for label, some in _sections(screen)]
    if past.balances:
        sections.append((_("Balances"), list(_balances(past))))
    row = screen.get_one(past.id) if past.now is not None else None
    return PastPage(
        title=str(row) if row is not None else f"{_(screen.singular)} #{past.id}",
        when=exact(past.moment),
        resource=screen.resource,
        id=past.id,
        url=screen.url_to("details_view", id=past.id) if row is not None else screen.url_to("index_view"),
        typed=formatters.local(past.moment, shop()).strftime("%Y-%m-%dT%H:%M"),
        exists=row is not None,
        differences=sum(field.differs for _label, fields in sections for field in fields),
        notes=list(_notes(screen, past)),
        sections=[(label, fields) for label, fields in sections if fields],
        related=_related(past, names),
    )


def _notes(screen: ScreenSpec, past: Past) -> Iterator[Text]:
    """Yield what a person must know to read the page."""
    if past.now is None:
        yield _("This record has been deleted since.")
    if past.known_from is None:
        yield _("No changes to this record have been recorded. It is shown as it is today.")
    elif not past.certain:
        yield _(
            "Changes to this record have been recorded since %(when)s. It is shown as it was then; earlier "
            "versions are not known.",
            when=exact(past.known_from),
        )
    if (other := _second_time(past.moment, zone())) is not None:
        which = _("the first") if past.moment < other else _("the second")
        url = past_url(screen, past.id, other)
        text = _(
            "The clocks went back that night, so this hour happened twice. This is %(which)s.", which=which
        )
        yield Markup('{} <a href="{}">{}</a>').format(text, url, _("Show the other"))


def _sections(screen: ScreenSpec) -> list[tuple[Text, list[str]]]:
    """Return the groups of the overview, with the fields that the journal keeps."""
    names = screen.detail_names
    kept = [n for n in names if journalled(screen.field(n))]
    found: list[tuple[Text, list[str]]] = [
        (s.label, [n for n in s.names if n in kept]) for s in screen.sections
    ]
    rest = [n for n in kept if not any(n in some for _label, some in found)]
    return [*found, (_("Record") if screen.sections else "", rest)]


def journalled(field: Field) -> bool:
    """Return whether the journal keeps a field: a column, or a reference to one record."""
    if field.kind == "computed" or field.attribute is None:
        return False
    column = field.column.property.columns[0]
    return policy(column).journalled and (field.kind != "lookup" or bool(column.foreign_keys))


def key_of(field: Field) -> str:
    """Return the name of the column that holds a field's value."""
    return str(field.column.key) if field.kind == "lookup" else field.name


def names_of(screen: ScreenSpec, past: Past) -> Names:
    """Return the names of all that a record and its rows refer to, then and now."""
    rows = [past, *(row for rows in past.related.values() for row in rows)]
    wanted = []
    for row in rows:
        for values in (row.values, row.now or {}):
            wanted += [
                (activity.target_of(row.model.__tablename__, name), value) for name, value in values.items()
            ]
    return Names.of_rows((table, value) for table, value in wanted if table)


def _field(screen: ScreenSpec, past: Past, name: str, names: Names) -> PastField:
    field = screen.field(name)
    label, key = screen.get_column_name(name), key_of(field)
    then, today = past.values.get(key), (past.now or {}).get(key)
    text = words(screen, past.values, field, names)
    if past.now is None or then == today:
        return PastField(label, text)
    shown = PastField(label, text, words(screen, past.now, field, names), differs=True)
    if not restorable(screen, name):
        return shown
    if (why := hindrance(screen, past, name, names)) is not None:
        return replace(shown, why_not=_(why))
    arguments = {"id": past.id, "at": utc(past.moment), "field": name, "version": past.now.get("version")}
    return replace(shown, restore_url=screen.url_to("restore_view", **arguments))


def words(screen: ScreenSpec, values: dict[str, Any], field: Field, names: Names) -> Text:
    """Return a journalled value as the record's own page would show it."""
    value = masks.value(screen.model, key_of(field), values.get(key_of(field)))
    if value is None or value == "":
        return formatters.nothing()
    if isinstance(value, masks.Masked):
        return value
    if field.kind == "lookup":
        return activity.linked(field.target.__tablename__, value, names)  # type: ignore[union-attr]
    try:
        stored = stored_value(screen.model, key_of(field), value)
        currency = values.get("currency") or shop().currency
        return formatters.show(field.kind, stored, shop=shop(), now=now(), currency=currency, whole=True)
    except (KeyError, ValueError, TypeError, ArithmeticError):  # an earlier release wrote it, by other rules
        return str(value)


def _balances(past: Past) -> Iterator[PastField]:
    """Yield a customer's balances, then and now."""
    row: Any = session().get(past.model, past.id)
    assert row is not None
    currency = past.values.get("currency") or shop().currency
    of_the_ledger = row.points + available_points.past().get(row.id, 0)
    for name, label in (
        ("points", _("Points")),
        ("account_balance", _("Account")),
        ("credit_balance", _("Gift-card credit")),
    ):
        figures = [past.balances[name], of_the_ledger if name == "points" else getattr(row, name)]
        if name == "points":
            texts: list[Text] = [formatters.number(figure, shop()) for figure in figures]
        elif name == "account_balance":
            texts = [formatters.balance(figure, currency, shop()) for figure in figures]
        else:
            texts = [formatters.money(figure, currency, shop()) for figure in figures]
        differs = figures[0] != figures[1]
        yield PastField(label, texts[0], texts[1] if differs else "", differs)


def _related(past: Past, names: Names) -> list[tuple[Text, list[PastLine]]]:
    """Return the rows that belonged to a customer then, by kind, for those who may list them."""
    found = []
    for table, rows in past.related.items():
        screen = registry().by_table.get(table)
        if rows and screen is not None and allowed("list", table) and not screen.narrows:
            found.append((screen.heading, [_line(screen, past, row, names) for row in rows]))
    return found


def _line(screen: ScreenSpec, past: Past, row: PastRow, names: Names) -> PastLine:
    parts = []
    for name in screen.column_list:
        field = screen.field(name)
        if not journalled(field) or key_of(field) in ("customer_id", "created_at"):
            continue
        value = row.values.get(key_of(field))
        if field.kind == "boolean":
            parts += [screen.get_column_name(name)] if value else []
        elif value not in (None, ""):
            parts.append(words(screen, row.values, field, names))
    text = Markup(" · ").join(parts) if parts else f"{_(screen.singular)} #{row.id}"
    stayed = row.now is not None and row.now.get("customer_id") == past.id
    url = past_url(screen, row.id, past.moment) if stayed or not screen.narrowed else ""
    return PastLine(text, url, _since(past, row))


def _since(past: Past, row: PastRow) -> Text:
    """Say what became of a related row."""
    if row.now is None:
        return _("Deleted since")
    if row.now.get("customer_id") != past.id:
        return _("Moved since")
    same = all(
        row.values.get(name) == row.now.get(name)
        for name in {*row.values, *row.now} - activity.BOOKKEEPING
    )  # fmt: skip
    return "" if same else _("Changed since")


# -- restoring ------------------------------------------------------------------------------------------------


def restorable(screen: ScreenSpec, name: str) -> bool:
    """Return whether the person asking may write a field, by the form."""
    offered = name in screen.form_columns and name not in screen.withheld
    return screen.can("edit") and offered and journalled(screen.field(name))


def hindrance(screen: ScreenSpec, past: Past, name: str, names: Names | None = None) -> str | None:
    """Return why a value cannot come back: nobody may save the record, or what it refers to is gone, or unreadable."""
    row = memo(("past", screen.resource, past.id), lambda: screen.get_one(past.id))
    if row is not None and not is_changeable(row):
        return why_unchangeable(row) or CLOSED
    field = screen.field(name)
    value = past.values.get(key_of(field))
    if value is None:
        return None
    if field.kind == "lookup":
        target = field.target.__tablename__  # type: ignore[union-attr]
        return None if (names or Names.of_rows([(target, value)])).knows(target, value) else NO_TARGET
    try:
        stored_value(screen.model, key_of(field), value)
    except (KeyError, ValueError, TypeError, ArithmeticError):
        return UNREADABLE
    return None

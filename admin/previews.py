"""A preview in words: rows by table with before and after, what stands in the way, and what to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from babel.numbers import format_decimal
from flask_babel import gettext as _
from markupsafe import Markup

from actions.base import Clash, Invalid, Refused, Sheet, SheetLine
from actions.census import Tally
from actions.preview import Preview, RowChange
from actions.runner import MOST_AT_ONCE
from admin import activity, cells, movements
from admin.changesets import TIES
from admin.context import now, shop
from admin.pages import FieldChange, Text
from admin.preview_pages import (
    PreviewClash,
    PreviewCount,
    PreviewGroup,
    PreviewLine,
    PreviewPage,
    PreviewSheet,
)
from admin.sentences import fill, sentence, translated, with_link
from models import masks
from models.journal import Change
from models.tasting import TastingEntry, TastingKind

MOST_LINES = 20
"""Rows shown of a table; the rest are counted."""


def page(preview: Preview) -> PreviewPage:
    """Return what the template prints."""
    blockers = [
        (str(b.about) if b.about is not None else "", with_link(b)) for b in preview.blockers[:MOST_LINES]
    ]
    blockers += _faults(preview.errors)
    warnings = [fill(w.message, w.values) for w in preview.outcome.warnings] if preview.outcome else []
    return PreviewPage(
        groups=_groups(preview.rows),
        blockers=blockers,
        more_blockers=max(0, len(preview.blockers) - MOST_LINES),
        warnings=warnings,
        sheet=_sheet(preview.outcome.sheet) if preview.outcome and preview.outcome.sheet else None,
        fingerprint=preview.fingerprint if preview.possible else "",
    )


def _faults(errors: Mapping[str, str]) -> list[tuple[Text, Text]]:
    return [(name.replace("_", " "), sentence(text)) for name, text in errors.items()]


def of_many(count_url: str, found: Tally | Invalid | None = None) -> PreviewPage:
    """Return what is said of a deed on too many rows to try it: that it is a run, and what was counted if it was.

    :param count_url: where its button has them counted; "" where the action cannot tell.
    :param found: the census, or what is wrong with the parameters for every row.
    """
    words = _(
        "More than %(most)s records are done in the background, each by itself. You can watch, stop and undo it.",
        most=MOST_AT_ONCE,
    )
    blockers = _faults(found.errors) if isinstance(found, Invalid) else []
    lines = _census(found) if isinstance(found, Tally) else []
    return PreviewPage(
        (), blockers, 0, (words,), "", count=PreviewCount(count_url, lines) if count_url else None
    )


def _census(tally: Tally) -> list[str]:
    found = [_("%(count)s would change", count=_number(tally.change))]
    if tally.same:
        same = _("%(count)s are so already", count=_number(tally.same))
        found.append(same if tally.same > 1 else _("1 is so already"))
    refusals = sorted(tally.refused, key=lambda line: -line[0])
    return found + [
        _("%(count)s would be refused: %(why)s", count=_number(size), why=_why(why)) for size, why in refusals
    ]


def _number(figure: int) -> str:
    return str(format_decimal(figure, locale=shop().locale))


def _why(why: Refused | Invalid) -> str:
    if isinstance(why, Refused):
        return translated(why)
    return " ".join(f"{name}: {text}" for name, text in _faults(why.errors))


def _sheet(sheet: Sheet) -> PreviewSheet:
    """Return a balance sheet in words: figures as people of the shop write them."""
    lines = [
        (_(line.label), [_figure(line, place) for place in range(len(line.figures))]) for line in sheet.lines
    ]
    return PreviewSheet(list(sheet.records.values()), lines, clashes(sheet), next(iter(sheet.records)))


def clashes(sheet: Sheet) -> list[PreviewClash]:
    """Return where records differ, in words; what the person may not see is masked."""
    changes = [
        Change(table_name=clash.model.__tablename__, row_id=0, after={clash.column: value})
        for clash in sheet.clashes
        for value in clash.options.values()
        if clash.column
    ]
    names, ours = activity.Names.of_changes(changes), next(iter(sheet.records))

    def worded(clash: Clash, value: Any) -> str:
        return str(_plain(activity.words(clash.model, clash.column, value, names))) if clash.column else value

    return [
        PreviewClash(
            clash.field,
            (clash.label and _(clash.label)) or activity.label(clash.model, clash.column),
            [
                (i, worded(clash, value), _("this record") if i == ours else sheet.records[i])
                for i, value in clash.options.items()
            ],
            clash.taken,
        )
        for clash in sheet.clashes
    ]


def _figure(line: SheetLine, place: int) -> Text:
    figure = line.figures[place]
    if not line.currencies:
        return cells.show("number", figure, shop=shop(), now=now())
    show = cells.balance if line.signed and figure else cells.money
    return show(figure, line.currencies[place], shop())


def _groups(rows: Sequence[RowChange]) -> list[PreviewGroup]:
    tables: dict[str, list[RowChange]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row)
    shown = {table: found[:MOST_LINES] for table, found in tables.items()}
    changes = {id(row): _change(row) for found in shown.values() for row in found}
    names = activity.Names.of_changes(list(changes.values()))
    return [
        PreviewGroup(
            _noun(table, sum(row.count for row in found)),
            sum(row.count for row in found),
            [
                PreviewLine(_kind(row), _title(row, names), _fields(row, changes[id(row)], names))
                for row in shown[table]
            ],
        )
        for table, found in tables.items()
    ]


def _noun(table: str, count: int) -> str:
    model = activity.models().get(table)
    return table if model is None else _(model.__label__ if count == 1 else model.__plural__)


def _title(row: RowChange, names: activity.Names) -> Text:
    if row.table in TIES:
        return activity.tied(row.table, row.after or row.before, names)
    return f"{row.count} {_noun(row.table, row.count).lower()}" if row.kind == "moved" else row.label


def _change(row: RowChange) -> Change:
    return Change(
        table_name=row.table,
        row_id=row.id or 0,
        before=row.before if row.kind in ("changed", "deleted", "moved") else None,
        after=row.after if row.kind != "deleted" else None,
    )


def _fields(row: RowChange, change: Change, names: activity.Names) -> Sequence[FieldChange]:
    if row.kind == "entered" and row.table == TastingEntry.__tablename__:
        return [movements.tasting(used=row.after["kind"] == TastingKind.USED.value)]
    if row.kind == "entered":
        return [
            movements.movement(
                row.after["points"] if "points" in row.after else row.after["amount"],
                row.after.get("currency", ""),
            )
        ]
    if row.kind == "mailed":
        return [FieldChange(_("To"), "", row.after["recipient"])]
    return activity.field_changes(change, names) if row.kind != "deleted" and row.table not in TIES else ()


def _kind(row: RowChange) -> str:
    return {
        "created": _("New"),
        "changed": _("Changed"),
        "deleted": _("Deleted"),
        "entered": _("New entry"),
        "moved": _("Moved"),
        "mailed": _("An email goes out"),
    }[row.kind]


def lines(preview: Preview, *, marked: bool = False) -> list[str]:
    """Return a preview as lines of plain text; ``marked``, with the fingerprint that the deed has to come with."""
    shown = page(preview)
    found = [
        _("This cannot be done: %(why)s", why=f"{who}: {why}" if who else why) for who, why in shown.blockers
    ]
    found += [str(words) for words in shown.warnings]
    if shown.sheet is not None:
        found.append(" | ".join(["", *shown.sheet.records, _("Result")]))
        found += [" | ".join([str(name), *map(_plain, figures)]) for name, figures in shown.sheet.lines]
        found += [_differs(clash) for clash in shown.sheet.clashes]
    for group in shown.groups:
        found.append(f"{group.label}: {group.count}")
        for line in group.lines:
            changes = "; ".join(f"{c.label}: {_arrow(c)}" for c in line.changes)
            found.append(f"  {line.kind} {line.title}" + (f" ({changes})" if changes else ""))
    if marked and shown.fingerprint:
        found.append(_("Fingerprint: %(digest)s", digest=shown.fingerprint))
    return found or [_("Nothing would change.")]


def _differs(clash: PreviewClash) -> str:
    """Return where records differ as a line, each value with what takes it."""
    values = (
        f"{value} ({_('taken')})" if record == clash.taken else f"{value} (take={clash.field}:{record})"
        for record, value, _name in clash.options
    )
    return f"{clash.label}: {', '.join(values)}"


def _arrow(change: FieldChange) -> str:
    before, after = (_plain(text) for text in (change.before, change.after))
    return f"{before} → {after}" if before else after


def _plain(text: Text) -> str:
    return text.striptags() if isinstance(text, Markup) else text


# -- for programs ----------------------------------------------------------------------------------------------------


def as_json(found: Preview) -> dict[str, Any]:
    """Return a preview as JSON."""
    return {
        "possible": found.possible,
        "fingerprint": found.fingerprint,
        "rows": [
            {name: getattr(row, name) for name in ("kind", "table", "id", "label", "count")}
            | {"before": _masked(row.table, row.before), "after": _masked(row.table, row.after)}
            for row in found.rows
        ],
        "blockers": [
            {"code": b.code, "message": translated(b), "id": getattr(b.about, "id", None)}
            for b in found.blockers
        ],
        "errors": {name: sentence(text) for name, text in found.errors.items()},
        "warnings": [fill(w.message, w.values) for w in found.outcome.warnings] if found.outcome else [],
        "sheet": _sheet_as_json(found.outcome.sheet) if found.outcome and found.outcome.sheet else None,
    }


def _sheet_as_json(sheet: Sheet) -> dict[str, Any]:
    return {
        "records": list(sheet.records.values()),
        "lines": [asdict(line) for line in sheet.lines],
        "clashes": [
            {
                "field": clash.field,
                "label": str(clash.label),
                "options": [{"record": record, "value": value} for record, value, _name in clash.options],
                "taken": clash.taken,
            }
            for clash in clashes(sheet)
        ],
    }


def _masked(table: str, values: dict[str, Any]) -> dict[str, Any]:
    model = activity.models().get(table)
    return masks.values(model, values) if model is not None else values

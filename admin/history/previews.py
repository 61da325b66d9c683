"""A preview in words: rows by table with before and after, what stands in the way, and what to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel.numbers import format_decimal
from flask_babel import gettext as _

from actions.core.base import NOT_SENT, Invalid, Refused
from actions.core.bulk_counts import BulkOutcome
from actions.execution.preview import Preview, RowChange
from actions.execution.runner import MOST_AT_ONCE
from admin.history import activity, ledger_previews, merge_previews
from admin.history.changesets import TIES
from admin.layout import warned
from admin.request.context import link_base
from admin.viewmodels.pages import FieldChange, Text
from admin.viewmodels.preview_pages import (
    PreviewCount,
    PreviewGroup,
    PreviewLine,
    PreviewPage,
)
from models import masks
from models.journal import Change
from web.messages import called, sentence, translated
from web.request import shop

MOST_LINES = 20
"""Rows shown of a table; the rest are counted."""


def with_link(refused: Refused) -> str:
    """Return why a change was refused, with the way to the record to go on to, if the person asking may see it."""
    return warned.with_way(translated(refused), refused.see)


def page(preview: Preview) -> PreviewPage:
    """Return what the template prints."""
    blockers = [
        (str(b.about) if b.about is not None else "", with_link(b)) for b in preview.blockers[:MOST_LINES]
    ]
    blockers += _faults(preview.errors)
    warnings = warned.linked(preview.outcome.warnings) if preview.outcome else []
    return PreviewPage(
        groups=_merged(preview.rows) if preview.outcome and preview.outcome.sheet else _groups(preview.rows),
        blockers=blockers,
        more_blockers=max(0, len(preview.blockers) - MOST_LINES),
        warnings=warnings,
        sheet=merge_previews.sheet(preview.outcome.sheet)
        if preview.outcome and preview.outcome.sheet
        else None,
        fingerprint=preview.fingerprint if preview.possible else "",
    )


def _faults(errors: Mapping[str, str]) -> list[tuple[Text, Text]]:
    return [(called(name), sentence(text)) for name, text in errors.items()]


def of_many(
    size: int, count_url: str, found: BulkOutcome | Invalid | None = None, *, mails: bool = False
) -> PreviewPage:
    """Return what is said of a change on too many rows to try it: that it is a run, and what was counted if it was.

    :param size: the number of rows.
    :param count_url: where its button has them counted; "" where the action declares no counts.
    :param found: the bulk counts, or what is wrong with the parameters for every row.
    :param mails: whether it writes to those it is about.
    """
    words = _(
        "More than %(most)s records are changed in the background, one at a time. You can follow, stop "
        "and undo the job.",
        most=MOST_AT_ONCE,
    )
    blockers = _faults(found.errors) if isinstance(found, Invalid) else []
    lines = _counts_in_words(found) if isinstance(found, BulkOutcome) else []
    warnings = [words, *(unsent() if mails else ())]
    if not count_url:
        each = _(
            "%(count)s records, each checked on its own. The job lists those that it refuses, and why.",
            count=_number(size),
        )
        warnings.insert(0, each)
    count = PreviewCount(count_url, lines) if count_url else None
    return PreviewPage((), blockers, 0, warnings, "", count=count)


def unsent() -> Sequence[str]:
    """Return what is to be known of emails that are about to be written, where nothing can be sent."""
    return () if link_base() is None else (_(NOT_SENT),)


def _counts_in_words(counts: BulkOutcome) -> list[str]:
    found = [_("%(count)s would change", count=_number(counts.change))]
    if counts.same:
        same = _("%(count)s already have this value", count=_number(counts.same))
        found.append(same if counts.same > 1 else _("1 already has this value"))
    refusals = sorted(counts.refused, key=lambda line: -line[0])
    return found + [
        _("%(count)s would be refused: %(why)s", count=_number(size), why=_why(why)) for size, why in refusals
    ]


def _number(figure: int) -> str:
    return str(format_decimal(figure, locale=shop().locale))


def _why(why: Refused | Invalid) -> str:
    if isinstance(why, Refused):
        return translated(why)
    return " ".join(f"{name}: {text}" for name, text in _faults(why.errors))


def _groups(rows: Sequence[RowChange], *, merged: bool = False) -> list[PreviewGroup]:
    tables: dict[str, list[RowChange]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row)
    shown = {table: found[:MOST_LINES] for table, found in tables.items()}
    changes = {id(row): _change(row) for found in shown.values() for row in found}
    names, entered = activity.Names.of_changes(list(changes.values())), ledger_previews.Entered(rows)
    return [
        PreviewGroup(
            _noun(table, sum(row.count for row in found)),
            sum(row.count for row in found),
            [
                PreviewLine(
                    _combined() if row.kind == "deleted" and merged and _is_combined(table) else _kind(row),
                    entered.title(row) if row.kind == "entered" else _title(row, names),
                    entered.changes(row) if row.kind == "entered" else _fields(row, changes[id(row)], names),
                )
                for row in shown[table]
            ],
        )
        for table, found in tables.items()
    ]


def _merged(rows: Sequence[RowChange]) -> list[PreviewGroup]:
    """Return the rows less those that only go over to the survivor, of which the summary says how many there are."""
    return _groups([row for row in rows if row.kind != "moved"], merged=True)


def _combined() -> str:
    return _("Combined with an equal one")


def _is_combined(table: str) -> bool:
    """Whether rows of a table that say the same become one in a merge (rule 3.4)."""
    model = activity.models().get(table)
    return model is not None and bool(model.__same__)


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
        "mailed": _("An email will be sent")
        if link_base() is None
        else _("An email will be saved in the log"),
    }[row.kind]


def lines(preview: Preview, *, marked: bool = False) -> list[str]:
    """Return a preview as lines of plain text; ``marked``, with the fingerprint that the change has to come with."""
    shown = page(preview)
    found = [
        _("This cannot be done: %(why)s", why=f"{who}: {why}" if who else why) for who, why in shown.blockers
    ]
    found += warned.texts(preview.outcome.warnings) if preview.outcome else []
    if shown.sheet is not None:
        found += merge_previews.lines(shown.sheet)
    for group in shown.groups:
        found.append(f"{group.label}: {group.count}")
        for line in group.lines:
            changes = "; ".join(f"{c.label}: {_arrow(c)}" for c in line.changes)
            found.append(f"  {line.kind} {line.title}" + (f" ({changes})" if changes else ""))
    if marked and shown.fingerprint:
        found.append(_("Fingerprint: %(digest)s", digest=shown.fingerprint))
    return found or [_("Nothing would change.")]


def _arrow(change: FieldChange) -> str:
    before, after = (merge_previews.plain(text) for text in (change.before, change.after))
    return f"{before} → {after}" if before else after


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
            {"code": b.code, "message": translated(b), "id": getattr(b.about, "id", None), "see": _way(b)}
            for b in found.blockers
        ],
        "errors": {name: sentence(text) for name, text in found.errors.items()},
        "warnings": warned.texts(found.outcome.warnings) if found.outcome else [],
        "sheet": merge_previews.as_json(found.outcome.sheet)
        if found.outcome and found.outcome.sheet
        else None,
    }


def _way(refused: Refused) -> dict[str, Any] | None:
    """Return the record that a refusal leads to, if the person asking may see it."""
    if refused.see is None or not warned.may_see(refused.see):
        return None
    return {"resource": refused.see[0], "id": refused.see[1]}


def _masked(table: str, values: dict[str, Any]) -> dict[str, Any]:
    model = activity.models().get(table)
    return masks.values(model, values) if model is not None else values

"""A merge in words before it is done: the records side by side, what comes over, and where they differ (rule 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _
from markupsafe import Markup

from actions.core.merge_summary import MergeChoice, MergeSummary, SheetLine
from admin.history import activity
from admin.layout import formatters
from admin.viewmodels.pages import Text
from admin.viewmodels.preview_pages import PreviewChoice, PreviewRecord, PreviewSheet
from models.journal import Change
from web.request import now, shop


def sheet(summary: MergeSummary) -> PreviewSheet:
    """Return the records side by side: figures as people of the shop write them, and values to choose from."""
    lines = [
        (_(line.label), [_figure(line, place) for place in range(len(line.figures))])
        for line in summary.lines
    ]
    if summary.columns != "result":
        return PreviewSheet(_records(summary), lines, clashes(summary), heads=_heads(summary))
    return PreviewSheet(
        _records(summary), lines, clashes(summary), next(iter(summary.records)), summary.moved
    )


def _heads(summary: MergeSummary) -> list[Text]:
    """Return what stands over figures that have no result."""
    names: list[Text] = list(summary.records.values())
    if summary.columns == "each":
        return names
    later = [_("%(record)s afterwards", record=name) for name in names]
    return [_("%(record)s now", record=names[0]), *later]


def _records(summary: MergeSummary) -> list[PreviewRecord]:
    ours = next(iter(summary.records))
    return [
        PreviewRecord(record, name, _since(summary, record), record == ours)
        for record, name in summary.records.items()
    ]


def _since(summary: MergeSummary, record: int) -> str:
    """Return since which month somebody is a customer, such as "March 2019"."""
    day = summary.since.get(record)
    return str(format_date(day, "LLLL y", locale=shop().locale)) if day is not None else ""


def called(record: PreviewRecord) -> str:
    """Return a record as a line of text names it."""
    name = f"{record.name} #{record.id}"
    words = _("%(name)s, customer since %(month)s", name=name, month=record.since) if record.since else name
    return f"{words} ({_('kept')})" if record.kept else words


def clashes(summary: MergeSummary) -> list[PreviewChoice]:
    """Return where records differ, in words, amounts in each record's own currency; masked is what one may not see."""
    changes = [
        Change(table_name=choice.model.__tablename__, row_id=record, after={choice.column: value})
        for choice in summary.clashes
        for record, value in choice.options.items()
        if choice.column
    ]
    names = activity.Names.of_changes(changes)

    def worded(choice: MergeChoice, record: int, value: Any) -> str:
        if not choice.column:
            return str(value)
        currency = names.currency_of(choice.model.__tablename__, record)
        return plain(activity.words(choice.model, choice.column, value, names, currency))

    return [
        PreviewChoice(
            choice.field,
            (choice.label and _(choice.label)) or activity.label(choice.model, choice.column),
            {i: worded(choice, i, value) for i, value in choice.options.items()},
            choice.taken,
        )
        for choice in summary.clashes
    ]


def _figure(line: SheetLine, place: int) -> Text:
    figure = line.figures[place]
    if not line.currencies:
        return formatters.show("number", figure, shop=shop(), now=now())
    show = formatters.balance if line.signed and figure else formatters.money
    return show(figure, line.currencies[place], shop())


def plain(text: Any) -> str:
    """Return a text without what a page makes of it."""
    return text.striptags() if isinstance(text, Markup) else str(text)


def lines(shown: PreviewSheet) -> Iterator[str]:
    """Yield the same as lines of plain text."""
    yield " | ".join(
        ["", *(map(str, shown.heads) if shown.heads else [*map(called, shown.records), _("Result")])]
    )
    for name, figures in shown.lines:
        yield " | ".join([str(name), *map(plain, figures)])
    if shown.moved:
        yield _("Moves: %(what)s", what=shown.moved)
    for choice in shown.clashes:
        yield _differs(choice)


def _differs(choice: PreviewChoice) -> str:
    """Return where records differ as a line, each value with what takes it."""
    values = (
        f"{value} ({_('kept')})" if record == choice.taken else f"{value} (take={choice.field}:{record})"
        for record, value in choice.options.items()
    )
    return f"{choice.label}: {', '.join(values)}"


def as_json(summary: MergeSummary) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "records": list(summary.records.values()),
        "ids": list(summary.records),
        "since": {str(record): day.isoformat() for record, day in summary.since.items()},
        "moved": summary.moved,
        "columns": summary.columns,
        "lines": [asdict(line) for line in summary.lines],
        "clashes": [
            {
                "field": choice.field,
                "label": str(choice.label),
                "options": [{"record": record, "value": value} for record, value in choice.options.items()],
                "taken": choice.taken,
            }
            for choice in clashes(summary)
        ],
    }

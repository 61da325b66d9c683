"""Columns of a file that no field of its list takes, but one of another list about the same records, such as phones."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext as _

from admin.importing.columns import Column, columns
from admin.importing.headings import fields_by_heading, key
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Link
from models.importing import ImportFile
from web.messages import within


def left_over(
    screen: ScreenSpec, file: ImportFile, fields: dict[int, str]
) -> Iterator[tuple[str, Link | None]]:
    """Yield a sentence for each other list that takes headings of the file, with a link for users who may go there.

    :param fields: the columns that go into fields of this list.
    """
    own = {key(str(screen.get_column_name(name))) for name in screen.column_list}
    left = {key(h): h for p, h in enumerate(file.headers) if p not in fields and key(h) not in own}
    found = [(other, lookup, left.keys() & names) for other, lookup, names in _lists_about(screen)]
    for other, lookup, names in sorted(found, key=lambda taken: -len(taken[2])):
        headings = [left.pop(name) for name in list(left) if name in names]
        if headings:
            yield _told(screen, other, lookup, headings)


def _lists_about(screen: ScreenSpec) -> Iterator[tuple[ScreenSpec, Column, set[str]]]:
    """Yield the other lists that can be imported whose records belong to those of this one: by which field, and the
    headings that they know."""
    for other in registry().screens.values():
        if other is screen or "import" not in other.verbs:
            continue
        offered = columns(other)
        lookup = next((c for c in offered.values() if c.field.target is screen.model and c.required), None)
        if lookup is not None:
            rest = {name: column for name, column in offered.items() if column is not lookup}
            yield other, lookup, set(fields_by_heading(rest))


def _told(
    screen: ScreenSpec, other: ScreenSpec, lookup: Column, headings: list[str]
) -> tuple[str, Link | None]:
    names, these = ", ".join(headings), within(_(screen.plural))
    if not other.can("import"):
        return _("%(headings)s cannot be imported with %(these)s.", headings=names, these=these), None
    told = _(
        "%(headings)s cannot be imported with %(these)s. Import this file again as %(those)s and map the "
"column that identifies %(these)s to %(field)s.",
        headings=names, these=these, those=within(_(other.plural)), field=lookup.label,
    )  # fmt: skip
    title = _("Import %(things)s", things=within(_(other.plural)))
    return told, Link(title, other.url_to("import_view"), "upload")

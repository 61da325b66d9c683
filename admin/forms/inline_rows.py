"""Related rows as fields of a form: what repeats, such as the phones of a customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, FieldList, Form, FormField, SelectField
from wtforms.utils import unset_value

from admin.forms.form_fields import LookupField


class RowsField(FieldList):
    """Related rows edited in place, such as a customer's phones; ``data`` is a list of dicts with their ids.

    A marker under the field's own name says that the rows were shown, and which: no rows left post nothing else, and a
    row that somebody added in the meantime must not count as removed.
    """

    MOST = 20
    entries: list[Any]
    shown: frozenset[int] | None = None
    """Ids of the rows the form showed; None where it showed none of them at all."""

    def __init__(self, *args: Any, add_label: str, **kwargs: Any) -> None:
        self.add_label = add_label
        super().__init__(*args, **kwargs)

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Take in the rows that hold anything, noting which the form had shown."""
        super().process(formdata, data, extra_filters)
        if formdata:
            self.entries = [entry for entry in self.entries if is_filled(entry.form)]
            marks = formdata.getlist(self.name)
            ids = (word for mark in marks for word in mark.split() if word.isascii() and word.isdigit())
            self.shown = frozenset(int(word) for word in ids if len(word) <= 18) if marks else None
        else:
            self.shown = frozenset(entry.form.id.data for entry in self.entries if entry.form.id.data)

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        found = (re.match(rf"{re.escape(prefix)}-(\d{{1,4}})-", name, re.ASCII) for name in formdata)
        return (int(match.group(1)) for match in found if match)

    def validate(self, form: Form, extra_validators: Any = ()) -> bool:
        """Refuse more rows than anybody types, though never those that are there already."""
        most = max(self.MOST, len(self.shown or ()))
        if len(self.entries) > most:
            self.errors = [_("Enter up to %(most)s lines.", most=most)]
            return False
        return bool(super().validate(form, extra_validators))

    @property
    def mark(self) -> str:
        """Return the marker's value."""
        return " ".join(["shown", *map(str, sorted(self.shown or ()))])

    @property
    def blank(self) -> Form:
        """Return an empty sub-form whose names carry ``__index__`` for the script to replace."""
        return self.unbound_field.args[0](prefix=f"{self.name}-__index__-")


def is_filled(form: Form) -> bool:
    """Return whether a repeated row holds anything: an untouched empty row is left out."""
    ignored = (BooleanField, SelectField)
    return any(
        f.data not in (None, "") for f in form if not isinstance(f, ignored) or isinstance(f, LookupField)
    )


class RowField(FormField):
    def populate_obj(self, obj: Any, name: str) -> None:
        """Never write to a model: actions do."""
        raise NotImplementedError

"""Actions on many rows, in which nothing is emptied by being left empty: "none" is a choice of its own (rule 10.13)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, HiddenField, SelectField
from wtforms.fields.choices import Choice
from wtforms.fields.core import UnboundField

from admin.forms.bulk_edit import FieldsForm
from admin.forms.fast_select import ListedField, QuickSelect
from admin.forms.form_fields import ChoiceField, LookupField, LookupManyField, TicksField
from admin.forms.inline_rows import RowsField
from admin.screen_spec.declare import RowAction
from web.messages import within

NONE = "none"
"""What a select sends for its explicit nothing."""
NOTHING = "nothing"
"""The name of the ticks that say the same of fields that are typed."""


class YesNoField(SelectField):
    """A switch that has to be set: neither on nor off until somebody chooses."""

    def __init__(self, label: Any = "", **options: Any) -> None:
        kept = {name: value for name, value in options.items() if name not in ("default", "false_values")}
        super().__init__(label, choices=self._choices, coerce=self._coerce, validate_choice=False, **kept)
        self.type = "SelectField"

    @staticmethod
    def _choices() -> list[tuple[str, str]]:
        return [("y", _("Yes")), ("n", _("No"))]

    @staticmethod
    def _coerce(value: Any) -> bool | None:
        known = {"y": True, "n": False, "": None, None: None, True: True, False: False}
        if value not in known:
            raise ValueError(_("Choose an option from the list."))
        return known[value]


class ForMany:
    """A part of every form about many rows: each field, or each that is ticked, has to be said."""

    _unbound_fields: Any
    _fields: dict[str, Any]

    def __init__(self, formdata: Any = None, *args: Any, **options: Any) -> None:
        selects = {n for n, unbound in self._unbound_fields if issubclass(unbound.field_class, SelectField)}
        pairs = list(formdata.items(multi=True)) if formdata else []
        emptied = {n for n, value in pairs if n in selects and value == NONE}
        emptied |= {value for n, value in pairs if n == NOTHING}
        plain = MultiDict((n, "" if n in selects and value == NONE else value) for n, value in pairs)
        super().__init__(plain if formdata else formdata, *args, **options)  # type: ignore[call-arg]
        for field in filter(_is_asked, self._fields.values()):
            field.nothing = _words(field) if _may_be_empty(field) else ""
            field.said = bool(field.nothing) and field.name in emptied
            if not formdata:
                field.data = None  # a default is nobody's choice
            if isinstance(field, SelectField):
                _begin_with_a_choice(field)

    def validate(self, extra_validators: Any = None) -> bool:
        """Look at every field, and at whether what is empty was meant to be."""
        good = super().validate(extra_validators)  # type: ignore[misc]
        return all([good, *map(_is_said, filter(_is_asked, self._wanted()))])

    def _wanted(self) -> Iterable[Any]:
        if isinstance(self, FieldsForm):
            return (field for field, ticked in self.pickable if ticked)
        return self._fields.values()


def for_many(form_class: type[Form]) -> type[Form]:
    """Return a form as it is when it is about many rows."""
    if form_class not in _MADE:
        _MADE[form_class] = _make(form_class)
    return _MADE[form_class]


_MADE: dict[type[Form], type[Form]] = {}


def _make(form_class: type[Form]) -> type[Form]:
    switches = {
        name: _switch(found)
        for name in dir(form_class)
        if getattr(found := getattr(form_class, name), "field_class", None) is BooleanField
    }
    return type(f"{form_class.__name__}ForMany", (ForMany, form_class), switches)


def _switch(unbound: Any) -> UnboundField[Any]:
    made = UnboundField(YesNoField, *unbound.args, **unbound.kwargs)
    made.creation_counter = unbound.creation_counter  # it stays where it was in the form
    return made


def is_setter(declared: RowAction) -> bool:
    """Return whether an action sets what its form shows, so that what it leaves empty is emptied."""
    return declared.from_row or issubclass(declared.form, FieldsForm)


def _is_asked(field: Any) -> bool:
    return not isinstance(field, TicksField | RowsField | LookupManyField | HiddenField | BooleanField)


def _may_be_empty(field: Any) -> bool:
    if isinstance(field, ChoiceField | LookupField):
        return bool(field.nullable)
    return not field.flags.required and not isinstance(field, YesNoField)


def _words(field: Any) -> str:
    label = str(field.label.text)
    return _("None") if label.endswith("?") else _("No %(thing)s", thing=within(label))


def _begin_with_a_choice(field: Any) -> None:
    """Have a select begin with nothing chosen, and offer nothing as one choice of its list."""
    inner: Callable[[], Iterable[Choice]] = field.iter_choices
    if isinstance(field, ListedField):
        field.widget = QuickSelect()

    def choices() -> Iterator[Choice]:
        yield Choice("", _("Choose an option"), not field.said and field.data in (None, ""), {})
        if field.nothing:
            yield Choice(NONE, field.nothing, field.said, {})
        yield from (choice for choice in inner() if choice.value != "")

    field.iter_choices = choices


def _is_said(field: Any) -> bool:
    """Say what is wrong with a field that is empty and was not said to be, or is not empty though it was."""
    empty = field.data is None or field.data in ("", [])
    if field.errors or empty == field.said:
        return True
    if isinstance(field, SelectField):
        hint = (
            _("Choose an option or “%(nothing)s”.", nothing=field.nothing)
            if field.nothing
            else _("Choose an option.")
        )
    elif field.nothing:
        hint = _("Enter a value or tick “%(nothing)s”, not both.", nothing=field.nothing)
    else:
        hint = _("This field is required.")
    field.errors = [hint]
    return False


def unsaid(declared: RowAction, form: Form, sent: Container[str], *, many: bool = False) -> list[str]:
    """Return the fields that a program has to name and did not: of one row one at least, of many rows each.

    Of an action that sets ticked fields those that it ticked.
    """
    if isinstance(form, FieldsForm):
        return [name for name in form.change.data if name not in sent]
    if not declared.from_row:
        return []
    missing = [name for name in form._fields if name not in sent]
    return missing if many or len(missing) == len(form._fields) else []

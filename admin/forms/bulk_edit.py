"""Editing chosen fields of many rows at once, by a form of which only the ticked fields count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form
from wtforms.validators import InputRequired

from actions.execution.records import fields_action
from admin.forms import model_forms
from admin.forms.form_fields import TicksField
from admin.screen_spec.declare import RowAction
from admin.screen_spec.spec import ScreenSpec


class FieldsForm(Form):
    """Fields, each with a tick before it; what is not ticked is neither looked at nor changed."""

    change = TicksField(_l("Fields to change"), [InputRequired(_l("Tick the fields to change."))])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in [name for name in self._fields if name in self.withheld()]:
            del self[name]
        self._looked_at: frozenset[str] = frozenset()
        self.change.offered = [name for name in self._fields if name != "change"]

    @staticmethod
    def withheld() -> frozenset[str]:
        """Return the fields that the person asking may not see, and so not change."""
        return frozenset()

    def look_at(self, names: Iterable[str]) -> None:
        """Look at fields though they are not ticked: a program sends nothing by accident, as a page does."""
        self._looked_at = frozenset(names)

    @property
    def pickable(self) -> list[tuple[Any, bool]]:
        """Return each field and whether it is ticked."""
        return [(field, name in self.change.data) for name, field in self._fields.items() if name != "change"]

    def validate(self, extra_validators: Any = None) -> bool:
        """Look at the ticked fields, and those that were asked for, only."""
        wanted = [field for field, ticked in self.pickable if ticked or field.name in self._looked_at]
        return all([self.change.validate(self), *(field.validate(self) for field in wanted)])


def declare(screen: ScreenSpec) -> RowAction:
    """Return the bulk edit of a screen's ``column_bulk_list``."""
    fields = {name: model_forms.make_field(screen, screen.field(name)) for name in screen.column_bulk_list}
    form_class = type(
        f"{type(screen).__name__}FieldsForm",
        (FieldsForm,),
        {**fields, "withheld": staticmethod(lambda: screen.withheld)},
    )

    def values(form: Any) -> dict[str, Any]:
        return {"values": model_forms.values_of_fields(screen, form, form.change.data)}

    return RowAction(fields_action(screen.model), form_class, "pencil", menu=False, values=values)

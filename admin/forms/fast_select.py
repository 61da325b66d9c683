"""Selects that are printed quickly: a customer's form holds a thousand options."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from wtforms import SelectField
from wtforms.fields.choices import Choice
from wtforms.widgets import Select, html_params


class QuickSelect(Select):
    """A select whose options are a value and a name and no more.

    A customer's form holds a thousand of them; WTForms' own way of printing one would be half the cost of the page.
    """

    @classmethod
    def render_option(cls, choice: Choice, **kwargs: Any) -> str:
        """Return one option, as WTForms writes it."""
        selected = "selected " if choice.selected else ""
        label = escape(choice.label or choice.value)
        return f'<option {selected}value="{escape(choice.value)}">{label}</option>'


OPTION, CHOSEN = Markup("<option"), Markup("<option selected")


class ListedSelect(Select):
    """A select over a long list that is the same on every form: printed once, and only the chosen option again."""

    def __call__(self, field: ListedField, **kwargs: Any) -> Markup:
        flags = {name: True for name in self.validation_attrs if getattr(field.flags, name, None)}
        attributes = html_params(**{"id": field.id, "name": field.name, **flags, **kwargs})
        chosen = Markup(' value="{}">').format(field.data or "")
        options = printed(tuple(field.choices)).replace(OPTION + chosen, CHOSEN + chosen, 1)
        return Markup("<select {}>{}</select>").format(attributes, options)


@lru_cache(maxsize=64)
def printed(choices: tuple[tuple[str, str], ...]) -> Markup:
    """Return the options of a select, none of them chosen."""
    option = Markup('<option value="{}">{}</option>')
    return Markup("").join(option.format(value, name or value) for value, name in choices)


class ListedField(SelectField):
    """One of a long fixed list, such as a country: a code and its name."""

    widget = ListedSelect()

    def iter_choices(self) -> Iterable[Choice]:
        """Yield the options with the current one selected."""
        return [Choice(value, name, value == self.data, {}) for value, name in self.choices]

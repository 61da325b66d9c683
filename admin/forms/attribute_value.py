"""The value of a custom attribute in a form: a field of the attribute's own kind."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask_babel import gettext as _
from markupsafe import Markup
from wtforms import StringField
from wtforms.widgets import DateInput, TextArea, TextInput, html_params

from admin.forms.fast_select import CHOSEN, OPTION, printed
from admin.forms.form_fields import LookupField, LookupWidget
from admin.screen_spec.registry import registry
from models.attribute import AttributeDefinition, AttributeKind
from web.request import session


class ValueWidget:
    """A select, a date, a number or plain text, by the kind of the attribute that the form is about."""

    validation_attrs = ("required",)

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """Return the control; an attribute that nobody has chosen yet takes text."""
        definition = attribute_of_the_form()
        kind = definition.kind if definition is not None else AttributeKind.TEXT
        kwargs["data-kind"] = kind.value
        if kind in (AttributeKind.CHOICE, AttributeKind.BOOLEAN):
            kwargs["class_"] = kwargs.get("class_", "").replace("form-control", "form-select")
            return _select(field, _choices(definition), kwargs)
        if kind == AttributeKind.DATE:
            return DateInput()(field, **kwargs)
        if kind == AttributeKind.NUMBER:
            return TextInput()(field, inputmode="decimal", **kwargs)
        return TextArea()(field, **kwargs)


class ValueField(StringField):
    """``data`` is the value in the one notation that is stored: 12.5, 2026-09-01, true."""

    widget = ValueWidget()

    def process_formdata(self, valuelist: Any) -> None:
        """Read what was typed, without the blanks around it."""
        typed = str(valuelist[0]) if valuelist else ""
        self.data: str | None = typed.replace("\r\n", "\n").strip() or None


class AttributeWidget(LookupWidget):
    """Choosing another attribute has the control of the value fetched again, as one of its kind."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """Return the picker."""
        asks = {"get": registry().screens["attribute_value"].url_to("create_view"), "params": "definition"}
        swaps = {"trigger": "change", "target": "#value", "select": "#value", "swap": "outerHTML"}
        return super().__call__(
            field, **kwargs, **{f"hx-{name}": told for name, told in (asks | swaps).items()}
        )


class AttributeField(LookupField):
    """Which attribute it is."""

    widget = AttributeWidget()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            *args,
            screen=lambda: registry().by_model[AttributeDefinition],
            url=_lookup_url,
            nullable=False,
            **kwargs,
        )
        self.type = "LookupField"


def _lookup_url() -> str:
    return str(registry().screens["attribute_value"].lookup_url("definition")())


def attribute_of_the_form() -> AttributeDefinition | None:
    """Return the attribute that this request's form names, or that of the record it is of."""
    source = request.form if request.method == "POST" else request.args
    named = source.get("definition", "")
    if named.isascii() and named.isdigit() and len(named) <= 18:
        return session().get(AttributeDefinition, int(named))
    found: AttributeDefinition | None = getattr(g.get("form_row"), "definition", None)
    return found


def _choices(definition: AttributeDefinition | None) -> list[tuple[str, str]]:
    if definition is None or definition.kind == AttributeKind.BOOLEAN:
        return [("true", _("Yes")), ("false", _("No"))]
    return [(choice, choice) for choice in definition.choices or []]


def _select(field: Any, choices: list[tuple[str, str]], attributes: dict[str, Any]) -> Markup:
    """Return a select; a value that is none of the choices any more is kept among them."""
    if field.data and field.data not in dict(choices):
        choices = [*choices, (field.data, field.data)]
    chosen = Markup(' value="{}">').format(field.data or "")
    options = printed((("", ""), *choices)).replace(OPTION + chosen, CHOSEN + chosen, 1)
    told = html_params(id=field.id, name=field.name, required=True, **attributes)
    return Markup("<select {}>{}</select>").format(told, options)

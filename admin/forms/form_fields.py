"""The form fields of the product: plain widgets, strict reading, and what was typed kept when it will not do."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import (
    DateField,
    Form,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import Choice
from wtforms.validators import StopValidation

from admin.forms import form_currency
from admin.forms.fast_select import QuickSelect
from admin.request import typed_numbers
from admin.screen_spec.column_info import label_of
from admin.screen_spec.spec import ScreenSpec
from models import amounts
from models.base import Base

Lookup = Callable[[], "ScreenSpec"]


class TypedField(StringField):
    """A figure typed as text. One that cannot be read is kept as typed, and no further check looks at it."""

    data: Any

    def validate(self, form: Form, extra_validators: Any = ()) -> bool:
        """Say what is wrong with the figure, and only once."""
        if self.process_errors:
            self.errors = list(self.process_errors)
            return False
        return bool(super().validate(form, extra_validators))


class FigureField(TypedField):
    """A figure, typed as people of a locale write it; ``locale`` is another than the reader's own for a file."""

    locale: str | None = None

    def take(self, text: str) -> Any:
        """Return the figure. :raises ValueError: the text is none."""
        raise NotImplementedError

    @property
    def written_in(self) -> str:
        """The locale that it is written in."""
        return self.locale or typed_numbers.locale()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the figure, keeping what was typed when it is none. :raises ValueError: it is none."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = text or None
        if text:
            self.data = typed_numbers.read(lambda: self.take(text))


class WholeNumberField(FigureField):
    """A whole number typed as text, so that 1e5, 1_000 or full-width digits are refused by name and not half read."""

    DIGITS = 15

    def _value(self) -> str:
        return "" if self.data is None else str(self.data)

    def take(self, text: str) -> int:
        """Return the number."""
        return amounts.whole(text, self.written_in, digits=self.DIGITS)


class SeenField(WholeNumberField):
    """The version a form shows, carried along unseen. A program that does not send it says nothing of what it saw."""

    def __call__(self, **kwargs: Any) -> Markup:
        """Print it."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(self.name, self._value())


class DecimalTextField(FigureField):
    """A decimal typed as text and kept exactly. ``places`` is the most digits after the decimal sign."""

    data: Any
    places = 2
    example = "7.5"

    def _value(self) -> str:
        if self.data is None:
            return ""
        return self.data if isinstance(self.data, str) else self.typed(self.data)

    def typed(self, value: Any) -> str:
        """Return how a person types it."""
        return amounts.localised(f"{value:f}", self.written_in)

    def take(self, text: str) -> Any:
        """Return the decimal."""
        return amounts.percentage(text, self.written_in, amounts.Figure(self.places, example=self.example))


class PercentField(DecimalTextField):
    """A percentage with at most two decimals."""


class MoneyField(DecimalTextField):
    """An amount in major units on screen, integer minor units in ``data`` (rules 2.1, 2.3)."""

    example = "12.50"

    @property
    def currency(self) -> str:
        """The currency of the account it is about. :raises ValueError: it is about several."""
        return form_currency.currency()

    @property
    def sign(self) -> str:
        """The currency to print beside it: none while it is not settled."""
        return form_currency.settled()

    def __init__(self, *args: Any, signed: bool = False, **kwargs: Any) -> None:
        self.signed = signed
        super().__init__(*args, **kwargs)

    def typed(self, value: Any) -> str:
        """Return how a person types so many minor units."""
        return amounts.typed(value, self.currency, self.written_in)

    def take(self, text: str) -> int:
        """Return the minor units of an amount in the currency of the account."""
        return self.minor(text, self.currency)

    def minor(self, text: str, currency: str) -> int:
        """Return the minor units of an amount in a currency. :raises Unreadable: it is none, with what is wrong."""
        return amounts.amount(text, currency, self.written_in, signed=self.signed)


class DayField(DateField):
    """A date in plain digits, as browsers send it."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the date. :raises ValueError: it is none."""
        if not all(value.isascii() for value in valuelist):
            self.data = None
            raise ValueError(_("Enter a date such as 2026-01-31."))
        super().process_formdata(valuelist)


class LinesField(TextAreaField):
    """A list of short texts, one a line."""

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the lines, leaving out empty ones; none at all is no list."""
        lines = [line.strip() for line in (valuelist[0] if valuelist else "").splitlines()]
        self.data = [line for line in lines if line] or None


class ChoiceField(SelectField):
    """One of an enum's members; ``data`` is the member."""

    widget = QuickSelect()

    def __init__(self, *args: Any, kind: type[enum.Enum], nullable: bool, **kwargs: Any) -> None:
        self.kind, self.nullable = kind, nullable
        blank = [("", "")] if nullable else []
        super().__init__(
            *args,
            choices=lambda: [*blank, *((member.value, label_of(member)) for member in kind)],
            coerce=self._coerce,
            validate_choice=False,
            **kwargs,
        )

    def _coerce(self, value: Any) -> Any:
        if value is None or value == "" or isinstance(value, self.kind):
            return value or None
        try:
            return self.kind(value)
        except ValueError:
            raise ValueError(_("Choose an option from the list.")) from None

    def iter_choices(self) -> Iterable[Choice]:
        """Yield the options with the current one selected."""
        current = self.data.value if isinstance(self.data, enum.Enum) else (self.data or "")
        for choice in super().iter_choices():
            yield choice._replace(selected=choice.value == current)


class LookupWidget(QuickSelect):
    """A plain select; when there are too many rows for one, the picker script searches the server as one types."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        field.offer()
        if field.kept:
            kwargs["disabled"] = True
        if field.remote:
            kwargs["data-lookup"] = field.lookup_url
        return super().__call__(field, **kwargs)


class LookupField(SelectField):
    """A related row by its id. Few candidates make a plain select, many are searched for.

    One that the record names and the person asking does not see is shown by its number and kept: its field is not sent.
    """

    widget = LookupWidget()
    FEW = 100

    def __init__(
        self,
        *args: Any,
        screen: Lookup,
        url: Callable[[], str],
        nullable: bool,
        without: Callable[[], str] = str,
        **kwargs: Any,
    ) -> None:
        self.screen, self._url, self.nullable, self.without = screen, url, nullable, without
        self.remote = False
        self.kept = False
        self.options: list[tuple[int, str]] = []
        super().__init__(*args, choices=[], coerce=self._coerce, validate_choice=False, **kwargs)

    @property
    def lookup_url(self) -> str:
        """Return the address the picker asks."""
        return self._url()

    @staticmethod
    def _coerce(value: Any) -> int | None:
        if isinstance(value, Base):
            return getattr(value, "id", None)
        if value is None or value == "":
            return None
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ValueError(_("Choose an option from the list."))
        return int(text)

    def offer(self) -> None:
        """Read what can be chosen: all of a short list, or just the current row and a search for the rest."""
        options = self.screen().lookup_options(limit=self.FEW + 1)
        self.remote, left_out = len(options) > self.FEW, self.without()
        self.options = [] if self.remote else [option for option in options if str(option[0]) != left_out]
        current = self.data if isinstance(self.data, int) else None
        if current is not None and all(row_id != current for row_id, _label in self.options):
            row = self.screen().get_one(current)
            self.kept = row is None and isinstance(self.object_data, Base)
            self.options += [(current, f"#{current}")] if self.kept else []
            self.options += [(current, self.screen().lookup_label(row))] if row is not None else []

    def iter_choices(self) -> Iterable[Choice]:
        """Yield the options with the current one selected."""
        yield Choice("", "", self.data is None, {})
        for row_id, label in self.options:
            yield Choice(row_id, label, row_id == self.data, {})

    def has_groups(self) -> bool:
        """Options are never grouped."""
        return False

    def pre_validate(self, form: Form) -> None:
        """Refuse a row that is not there or not within this person's scope."""
        if isinstance(self.data, int) and self.screen().get_one(self.data) is None:
            raise StopValidation(_("Choose an option from the list."))


class LookupManyWidget(LookupWidget):
    """A select of several rows; the picker searches the server, and without it the few options are there to tick."""

    def __init__(self) -> None:
        super().__init__(multiple=True)

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        kwargs["data-lookup"] = field.lookup_url
        return super().__call__(field, **kwargs)


class LookupManyField(LookupField):
    """Several related rows by their ids, also typed with commas between; ``data`` is a list of ids."""

    widget = LookupManyWidget()
    data: Any

    def process_data(self, value: Any) -> None:
        """Take one id or a list of them."""
        given = value if isinstance(value, list) else [] if value is None else [value]
        self.data = [getattr(one, "id", one) for one in given]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the ids, each once. :raises ValueError: one of them is none."""
        words = (word.strip() for text in valuelist for word in text.split(","))
        ids = [self._coerce(word) for word in words if word]
        self.data = list(dict.fromkeys(i for i in ids if i is not None))

    def offer(self) -> None:
        """Read what can be chosen, and the rows that are chosen already."""
        super().offer()
        apart = self.without()
        known = {row_id for row_id, _label in self.options}
        rows = [self.screen().get_one(i) for i in self.data if i not in known and str(i) != apart]
        self.options += [(row.id, self.screen().lookup_label(row)) for row in rows if row is not None]

    def iter_choices(self) -> Iterable[Choice]:
        """Yield the options with the chosen ones selected."""
        for row_id, label in self.options:
            yield Choice(row_id, label, row_id in self.data, {})

    def pre_validate(self, form: Form) -> None:
        """Refuse rows that are not there or not within this person's scope."""
        if len(self.data) > self.FEW:
            raise StopValidation(_("You can choose up to %(most)s records at a time.", most=self.FEW))
        for row_id in self.data:
            if self.screen().get_one(row_id) is None:
                raise StopValidation(_("Choose an option from the list."))


class TicksField(StringField):
    """Which of ``offered`` are ticked, sent once each or with commas between; ``data`` is a list of names."""

    offered: list[str]
    data: Any

    def process_data(self, value: Any) -> None:
        """Take a list of names."""
        self.data = list(value or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the names, each once."""
        words = (word.strip() for text in valuelist for word in text.split(","))
        self.data = list(dict.fromkeys(word for word in words if word))

    def takes(self, name: str) -> bool:
        """Return whether a name is offered."""
        return name in self.offered

    def pre_validate(self, form: Form) -> None:
        """Refuse names that are not offered."""
        if not all(map(self.takes, self.data)):
            raise StopValidation(_("Choose an option from the list."))


class ChosenField(TicksField):
    """What was chosen in a preview: ``name:number`` each, of which the last of a name counts. The form carries it.

    The buttons of one choice have a name of their own, which begins with the field's: ``take-email``.
    """

    PATTERN = r"[a-z][a-z0-9_]{0,59}:[1-9][0-9]{0,17}"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.type = "HiddenField"

    def __call__(self, **options: Any) -> Markup:
        """Print what was chosen so far."""
        hidden = Markup('<input type="hidden" name="{}" value="{}" data-carried>')
        return Markup("").join(hidden.format(self.name, text) for text in self.data)

    def process(self, formdata: Any, *args: Any, **options: Any) -> None:
        """Take what the form carries, and then what the buttons of each choice say."""
        names = [n for n in formdata or () if n == self.name or n.startswith(f"{self.name}-")]
        gathered = MultiDict((self.name, value) for name in names for value in formdata.getlist(name))
        super().process(None if formdata is None else gathered, *args, **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the choices."""
        super().process_formdata(valuelist)
        self.data = list({text.partition(":")[0]: text for text in self.data}.values())

    def takes(self, name: str) -> bool:
        """Return whether it reads as a choice; whether there is one, the action knows."""
        return re.fullmatch(self.PATTERN, name, re.ASCII) is not None

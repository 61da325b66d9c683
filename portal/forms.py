"""Forms of the portal: what was typed goes to an action, and comes back with what is wrong with it (rule 9.4)."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import flash, make_response, redirect, render_template, request
from flask_babel import gettext as _
from wtforms import BooleanField, SelectField, StringField
from wtforms import Form as PlainForm
from wtforms.meta import DefaultMeta
from wtforms.widgets import DateInput

from actions.core.base import Busy, Conflict, Invalid, Outcome, Refused, TooMany
from actions.core.journal import plain
from actions.core.languages import ENGLISH
from models import figures
from models.base import N_
from models.base import Invalid as InvalidValue
from portal.language import locale
from web.arguments import BadArgument
from web.messages import called, fill, sentence, translated
from web.request import session

LONGEST_KEY = 100
Change = Callable[[int | None], Outcome]
"""Runs the action, for the record's version that it is given."""


class Form(PlainForm):
    """A form of the portal: what WTForms itself says of a field is in the language of the page, too."""

    class Meta(DefaultMeta):
        """Where WTForms looks for the language."""

        @property
        def locales(self) -> list[str]:
            """The language of the page, and English for one that WTForms does not know."""
            return [locale(), ENGLISH]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a form that somebody else has saved in the meantime: what is there now, and what was typed."""

    label: str
    now: str
    typed: str


@dataclass(slots=True)
class EditPage:
    """A form on a page of its own. ``version`` is that of the record it edits, ``key`` that of a new one."""

    title: str
    form: Form
    submit: str
    back: str
    back_words: str
    template: str = "portal/edit.html"
    version: int | None = None
    key: str = ""
    differences: Sequence[Difference] = ()
    wrong: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    """What the template asks for besides."""

    def render(self) -> str:
        """Return the page."""
        return render_template(self.template, edit=self, **self.more)


class DayField(StringField):
    """A date, as browsers send one; None where it is empty."""

    widget = DateInput()

    def _value(self) -> str:
        return str(self.data) if self.data is not None else ""


def text(label: Any, longest: int, autocomplete: str = "", description: Any = "") -> StringField:
    """Return a field for a line of text."""
    looks = {"maxlength": longest, "autocomplete": autocomplete or "off"}
    return StringField(label, description=description, render_kw=looks)


def values(form: Form) -> dict[str, Any]:
    """Return what was typed as columns take it: text without blanks around it, None where there is none.

    :raises Invalid: by field, what is no date.
    """
    found, wrong = {}, {}
    for name, entry in form._fields.items():
        value = entry.data
        if isinstance(value, str):
            value = value.strip() or None
        if isinstance(entry, DayField) and isinstance(value, str):
            try:
                value = _day(value)
            except ValueError:
                wrong[name] = N_("Enter a date such as 1985-03-27.")
        found[name] = value
    if wrong:
        raise InvalidValue(wrong)
    return found


def _day(typed: str) -> dt.date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", typed, re.ASCII):
        raise ValueError(typed)
    return dt.date.fromisoformat(typed)


def fresh_key() -> str:
    """Return what makes a form for something new count once, however often it is sent."""
    return uuid.uuid4().hex


def sent_key() -> str:
    """Return the key of the form that was sent. :raises BadArgument: it is no key."""
    given = request.form.get("key", "")
    if not 0 < len(given) <= LONGEST_KEY or not given.isascii() or not given.isprintable():
        raise _incomplete("key")
    return given


def sent_version() -> int:
    """Return the version of the record when the form that was sent was opened. :raises BadArgument: it is none."""
    given = request.form.get("version", "")
    if not re.fullmatch(r"\d{1,9}", given, re.ASCII):
        raise _incomplete("version")
    return int(given)


def _incomplete(name: str) -> BadArgument:
    return BadArgument(name, "missing", _("Something is missing from this form. Open the page again."))


def submit(page: EditPage, change: Change, done: str, said: Any) -> Any:
    """Run an action with what was typed and lead to ``done``; else show the form again, with all that was typed.

    Where somebody saved the record in the meantime but none of these fields, that is no hindrance.
    """
    try:
        outcome = _saved(change, page.version)
    except Invalid as invalid:
        attach(page, invalid.errors)
        return page.render(), 422
    except Conflict as conflict:
        session().rollback()
        page.version, page.differences = conflict.version, _differences(page.form, conflict)
        return page.render(), conflict.status
    except Refused as refused:
        return _refused(page, refused)
    flash(" ".join([str(said), *(fill(w.message, w.values) for w in outcome.warnings)]))
    return redirect(done)


def _saved(change: Change, version: int | None) -> Outcome:
    try:
        return change(version)
    except Conflict as conflict:
        if _changed_meanwhile(conflict):
            raise
        return change(conflict.version)


def _refused(page: EditPage, refused: Refused) -> Any:
    if refused.status == 404:
        raise refused
    page.wrong.append(translated(refused))
    answer = make_response(page.render(), refused.status)
    if isinstance(refused, Busy | TooMany):
        answer.headers["Retry-After"] = str(refused.wait)
    return answer


def attach(page: EditPage, errors: dict[str, str]) -> None:
    """Put each sentence at its field; one about a field the form lacks stands over the form."""
    for name, told in errors.items():
        entry = page.form._fields.get(name) or page.form._fields.get(name.removesuffix("_id"))
        if name == "key":
            page.wrong.append(_("This was saved already. To add something else, open the page again."))
        elif entry is None:
            page.wrong.append(f"{called(name)}: {sentence(told)}")
        else:
            entry.errors = [*entry.errors, sentence(told)]


def _changed_meanwhile(conflict: Conflict) -> set[str]:
    """Return the fields that somebody has set in the meantime, to another value than was typed."""
    changed = {name for name, before in conflict.base.items() if before != plain(conflict.theirs[name])}
    return {name for name in changed if conflict.theirs[name] != conflict.mine[name]}


def _differences(form: Form, conflict: Conflict) -> list[Difference]:
    """Return the fields whose value is another than what was typed, with both in words."""
    found = []
    for name, entry in form._fields.items():
        if name in conflict.theirs and conflict.theirs[name] != conflict.mine[name]:
            now, mine = (_in_words(entry, value[name]) for value in (conflict.theirs, conflict.mine))
            found.append(Difference(entry.label.text, now, mine))
    return found


def _in_words(entry: Any, value: Any) -> str:
    if isinstance(entry, BooleanField):
        return _("Yes") if value else _("No")
    if value in (None, ""):
        return _("empty")
    if isinstance(entry, SelectField):
        return str(dict(entry.choices).get(str(value), value))
    return figures.day(value, locale()) if isinstance(value, dt.date) else str(value)

"""What a form says while it is filled in: which customers it may be about, that are there already (rule 7.10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request
from wtforms import Form

from actions.duplicates import typed
from admin.forms import model_forms
from admin.layout import warned
from admin.request.context import channels
from admin.screen_spec.spec import ScreenSpec
from web.request import session

ASKED = "alike"
"""The argument of a form's address that asks for it."""


def is_asked(screen: ScreenSpec) -> bool:
    """Return whether a form is not sent, but asks whom it may be about."""
    return bool(screen.alike) and request.method == "POST" and request.args.get(ASKED) == "1"


def url(screen: ScreenSpec, form: Form) -> str:
    """Return where a form asks; "" where it has no field that would tell."""
    kept = {name: value for name, value in request.args.items() if name != ASKED}
    asks = any(name in form for name in screen.alike)
    return screen.url_to((request.endpoint or "").rpartition(".")[2], **kept, **{ASKED: "1"}) if asks else ""


def answer(screen: ScreenSpec, form: Form, row: Any) -> str:
    """Answer a form that asks."""
    return render_template("admin/_alike.html", lines=lines(screen, form, row))


def lines(screen: ScreenSpec, form: Form, row: Any) -> Sequence[str]:
    """Name whom a form may be about, for users who may see them."""
    names = {
        screen.field(name).column.key if screen.field(name).kind == "lookup" else name
        for name in screen.alike
    }
    values = {name: value for name, value in model_forms.values_of(screen, form).items() if name in names}
    found = typed.of_form(session(), screen.model, values, row, channels())
    return warned.linked(map(typed.warned, found))

"""Fields that got another name: for one release a request may use the old one, in a filter, an order or a form.

A bookmarked list, a page that was open during the upgrade and a program all mean the field that it was. JSON bodies are
read the same way (admin/forms/json_body.py), and records of the API show both names (admin/api/openapi.py).
"""

from __future__ import annotations

from flask import Flask, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from models.renamed_fields import current

SORT = "sort"


def register(app: Flask) -> None:
    """Read an old name as the new one, before anything looks at it."""
    app.before_request(_read_as_new)


def _read_as_new() -> None:
    if any(_present(name) != name for name in request.args) or SORT in request.args:
        request.args = _by_present_names(request.args)
    if any(_present(name) != name for name in request.form):
        request.form = _by_present_names(request.form)


def _by_present_names(sent: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    pairs = ((_present(name), value) for name, value in sent.items(multi=True))
    return ImmutableMultiDict((name, _order(value) if name == SORT else value) for name, value in pairs)


def _present(argument: str) -> str:
    """Return the argument for a field, such as a filter with its operator, by what the field is called now."""
    name, separator, operator = argument.partition("__")
    return f"{current(name)}{separator}{operator}"


def _order(value: str) -> str:
    """Return the order of a list, which has a sign before the field when it descends."""
    name = value.removeprefix("-")
    return value.removesuffix(name) + current(name)

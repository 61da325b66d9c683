"""The matrix of a role: every permission that a screen declares, a row a resource, to read, to tick and to compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from actions.staff.grant_rules import VERBS, verb_label
from admin.forms.form_fields import TicksField
from admin.layout.frame import SECTION_NAMES, SECTIONS
from admin.request.context import allowed
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Text

WITHIN = _l("No screen of its own")


@dataclass(frozen=True, slots=True)
class Box:
    """One permission. A ``fixed`` one is only to be read: the person asking does not hold it, or it is Admin's."""

    code: str
    label: Text
    on: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """The permissions of one resource: those that any screen may have, None where it has not, and its further ones."""

    label: Text
    usual: Sequence[Box | None]
    further: Sequence[Box]

    @property
    def boxes(self) -> list[Box]:
        """All of them."""
        return [box for box in (*self.usual, *self.further) if box is not None]


@dataclass(frozen=True, slots=True)
class MatrixGroup:
    """Resources that stand together in the menu."""

    label: Text
    rows: Sequence[MatrixRow]


@dataclass(frozen=True, slots=True)
class Difference:
    """What of one resource only the first of two roles may do, and only the second."""

    label: Text
    first: Sequence[Text]
    second: Sequence[Text]


def offered() -> list[str]:
    """Return every permission that a screen declares, such as ``customer.list``."""
    return [f"{screen.resource}.{verb}" for screen in registry().screens.values() for verb in screen.verbs]


def headings() -> list[str]:
    """Return what the columns are called."""
    return [_(label) for label in VERBS.values()]


def build(on: Sequence[str], *, read_only: bool = False) -> list[MatrixGroup]:
    """Return the matrix with the permissions in ``on`` ticked, in the order of the menu."""
    ticked = frozenset(on)

    def box(screen: ScreenSpec, verb: str) -> Box:
        code, fixed = f"{screen.resource}.{verb}", read_only or not allowed(verb, screen.resource)
        return Box(code, _(verb_label(screen.resource, verb)), code in ticked, fixed)

    titles = dict(zip(SECTION_NAMES, SECTIONS, strict=True)) | {None: WITHIN}
    groups = []
    for name, title in titles.items():
        screens = [s for s in registry().screens.values() if type(s).menu == name]
        if screens:
            groups.append(MatrixGroup(str(title), [_row(screen, box) for screen in screens]))
    return groups


def _row(screen: ScreenSpec, box: Callable[[ScreenSpec, str], Box]) -> MatrixRow:
    verbs = dict.fromkeys(screen.verbs)
    usual = [box(screen, verb) if verb in verbs else None for verb in VERBS]
    return MatrixRow(screen.heading, usual, [box(screen, verb) for verb in verbs if verb not in VERBS])


def compare(first: Sequence[str], second: Sequence[str]) -> list[Difference]:
    """Return the resources of which two roles may do different things."""
    found = []
    for group in build([*first, *second], read_only=True):
        for row in group.rows:
            only = [[box.label for box in row.boxes if box.code in one and box.code not in other]
                    for one, other in ((first, second), (second, first))]  # fmt: skip
            if any(only):
                found.append(Difference(row.label, *only))
    return found


class MatrixWidget:
    """The matrix as a table of boxes."""

    def __call__(self, field: MatrixField, **kwargs: Any) -> Markup:
        shown = render_template(
            "admin/_matrix.html", name=field.name, headings=headings(), groups=build(field.data or ())
        )
        return Markup(shown)  # noqa: S704  a template's own


class MatrixField(TicksField):
    """Which permissions are ticked."""

    widget = MatrixWidget()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered()

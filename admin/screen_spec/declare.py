"""The small declarations a Screen is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wtforms import Form

from actions.core.base import Action, Outcome
from actions.core.row_guards import is_guarded
from admin.request import grantable
from admin.viewmodels.pages import Text
from models.customer import Customer


@dataclass(frozen=True, slots=True)
class View:
    """A shipped saved view: a tab over the list. ``counted`` shows how many rows it holds.

    :param visible_if: says whether the person asking has it; to others it does not exist.
    """

    slug: str
    label: Text
    where: Mapping[str, str] = field(default_factory=dict)
    counted: bool = False
    visible_if: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a record: another screen's list, narrowed to this record through the relation ``via``.

    :param figure: the record's column that the tab shows as its list does, such as a balance; "" for nothing; a count
        of rows where it is not said.
    :param visible_if: says for one record whether the tab makes sense on it.
    """

    resource: str
    label: Text = ""
    via: str = "customer"
    figure: str | None = None
    visible_if: Callable[[Any], bool] = lambda row: True


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of fields on the form and the overview."""

    label: Text
    names: Sequence[str]
    whole: bool = False
    """Whether its one column takes the width of the page and needs no label."""


class NoForm(Form):
    """The form of an action that asks for nothing but the click."""


def everybody(row: Any) -> bool:
    """Allow everybody who holds the permission."""
    return True


@dataclass(frozen=True, slots=True)
class Together:
    """How ticked rows make one action, of which one is the row and the others are its further rows.

    :param label: what the list calls that. :param suggest: which of the rows is the one, by their ids, and why.
    :param most: the most rows that may be ticked for it.
    """

    label: Text
    suggest: Callable[[Sequence[int]], tuple[int, Text]]
    most: int


@dataclass(frozen=True, slots=True)
class RowAction:
    """A declared action offered on rows, or, when it has no target, as the list's "New" button.

    :param visible_if: says for one row whether the action makes sense; the action itself still checks.
    :param permitted_if: says for one row whether the person asking may; holders of the permission may, unless told no.
        Rows ticked by the hundred are not looked at one by one, so such an action is never offered in ``bulk``.
    :param bulk: whether it is offered for ticked rows too, all of them or none. Over 500 of them are counted beforehand
        where the action declares counts, else each is checked on its own when its turn comes.
    :param from_row: the form starts with the row's own values.
    :param starts: what the form starts with on a row, where that is none of its columns.
    :param full_page: its form is too large for the drawer, and has a page of its own.
    :param button: a record shows it as a button beside Edit: its own, or the one in whose tab it makes a row.
    :param intro: a sentence over the form.
    :param menu: whether rows, records and lists offer it one by one; programs reach it all the same.
    :param available: says whether it makes sense at all at the moment, by the shop's settings; the action checks.
    :param key: the key that presses its button. :param at_once: the button does it, and no form is asked for first.
    :param then: the address that the person is led to afterwards, where that is neither record nor list.
    :param values: makes the action's parameters from the form, where they are not simply its fields.
    :param left_out: the fields that make no sense on a row, which its form does not have.
    :param together: how it is offered for ticked rows, of which it makes one. Its action names ``other_rows``.
    :param answer: makes the answer to an action that was done and leaves a secret, instead of showing the secret.
    :raises TypeError: the form's fields are not exactly the action's parameters.
    """

    action: Action
    form: type[Form]
    icon: str = ""
    title: Text = ""
    visible_if: Callable[[Any], bool] = lambda row: True
    permitted_if: Callable[[Any], bool] = everybody
    bulk: bool = True
    from_row: bool = False
    button: bool = False
    intro: Text = ""
    menu: bool = True
    available: Callable[[], bool] = lambda: True
    starts: Callable[[Any], dict[str, Any]] | None = None
    full_page: bool = False
    values: Callable[[Form], dict[str, Any]] | None = None
    answer: Callable[[Outcome], Any] | None = None
    key: str = ""
    at_once: bool = False
    then: Callable[[], str] | None = None
    left_out: Callable[[Any], Sequence[str]] = lambda row: ()
    together: Together | None = None

    @property
    def fields(self) -> frozenset[str]:
        """The names of the form's fields."""
        return frozenset(n for n in dir(self.form) if hasattr(getattr(self.form, n), "field_class"))

    def offered(self, row: Any) -> bool:
        """Return whether the action makes sense on a row and the person asking may do it there."""
        makes_sense = self.available() and self.fits(row) and self.visible_if(row)
        return makes_sense and self.permitted_if(row) and not self._is_beyond(row)

    def suits(self, owner: Any) -> bool:
        """Return whether the action makes sense by the shop's settings and for a customer, where that is known."""
        return self.available() and self.fits(owner)

    def fits(self, row: Any) -> bool:
        """Return whether the action is for the customer that a row is (rule 11.8)."""
        eligible = self.action.customers
        return eligible is None or not isinstance(row, Customer) or eligible.why_not(row) is None

    def _is_beyond(self, row: Any) -> bool:
        return not self.action.harmless and is_guarded(self.action.model) and grantable.is_beyond(row)

    def start(self, row: Any) -> dict[str, Any] | None:
        """Return what the form starts with on a row, where that is the row's own values or is read for it."""
        if self.starts is not None and row is not None:
            return self.starts(row)
        if not self.from_row or row is None:
            return None
        return {name: getattr(row, name, None) for name in self.fields}

    def given(self, form: Form) -> dict[str, Any]:
        """Return the action's parameters as a filled-in form has them."""
        return form.data if self.values is None else self.values(form)

    def __post_init__(self) -> None:
        if self.bulk and self.permitted_if is not everybody:
            raise TypeError(f"{self.action.code} asks of each row who may: declare it with bulk=False")
        if self.together is not None and not self.action.other_rows:
            raise TypeError(f"{self.action.code} takes no further rows: declare it with bulk=True")
        fields, wanted = self.fields, self.action.parameters
        if fields != wanted and self.values is None:
            raise TypeError(
                f"{self.form.__name__} has the fields {sorted(fields)}, {self.action.code} takes {sorted(wanted)}"
            )

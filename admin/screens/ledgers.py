"""What the screens over the three ledgers share: append-only rows, each with the balance it left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload
from wtforms import Form, TextAreaField
from wtforms.validators import InputRequired, Length

from actions.ledgers.balances import balances_after
from admin.screen.base import Screen
from web.request import session


class ReasonForm(Form):
    """Why an entry is taken back."""

    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Enter a reason of at least 3 characters.")), Length(3, 500)]
    )


class LedgerScreen(Screen):
    """A ledger. Subclasses list ``balance`` and format it by :func:`balance_after`."""

    column_figures: ClassVar[Sequence[str]] = ("balance",)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join the reversal, which the row menu asks for."""
        return [*super().eager(names), joinedload(self.model.reversed_by)]  # type: ignore[attr-defined]

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read the balance after each entry (rule 2.8)."""
        if "balance" in names:
            g.balances = balances_after(session(), self.model, rows)  # type: ignore[arg-type]


def balance_after(row: Any) -> int:
    """Return the sum of the customer's entries up to and with this one, as :meth:`LedgerScreen.prepare` read it."""
    return int(g.balances[row.id])

"""What the customers' list knows of duplicates: its badges, and who shares what many do (rules 7.8 and 7.15)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask_babel import gettext as _

from admin.screen.base import Screen
from admin.screen_spec.column_info import Condition, Field
from admin.screens import crowds, possible_duplicates
from models.duplicate import DuplicateCrowd

SHARED = Field(crowds.FILTER, "lookup", target=DuplicateCrowd)


class CustomerDuplicates(Screen):
    """The part of the customer screen that is about duplicates."""

    @cached_property
    def filters(self) -> dict[str, Field]:
        """Add what many share, which its own list leads here by (rule 7.8)."""
        return {**super().filters, crowds.FILTER: SHARED}

    def field(self, name: str) -> Field:
        """Know what many share too, of which a customer has no column."""
        return SHARED if name == crowds.FILTER else super().field(name)

    def get_column_name(self, field: str) -> str:
        """Name the filter that is no column."""
        return _("Shared by many") if field == crowds.FILTER else super().get_column_name(field)

    def clause(self, condition: Condition) -> Any:
        """Find those who share what many do."""
        if condition.field.name == crowds.FILTER:
            return crowds.clause(condition)
        return super().clause(condition)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Find out who stands among the duplicates, where the badge is shown."""
        if "sort_name" in names:
            possible_duplicates.prepare(rows)

"""What a list is called, and what stands beside its rows: buttons over a tab, lines of a row's menu, totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Select

from admin.pages import Link, Totals
from models.base import Base


class Beside:
    """A part of every :class:`admin.base.Screen`; a screen with something to say overrides these."""

    model: ClassVar[type[Base]]
    called: ClassVar[str] = ""
    """The noun of the address and the permissions, for a further screen over a model that has one."""

    @classmethod
    def named(cls) -> str:
        """Return the noun of this screen's address and permissions."""
        return cls.called or cls.model.resource_name()

    def beside(self, owner: Any) -> Sequence[Link]:
        """Return further buttons over this list where it is a tab of ``owner``."""
        return ()

    def menu_links(self, row: Any) -> Sequence[Link]:
        """Return further lines of a row's menu, to what is done to another record than the row's own."""
        return ()

    def totals(self, statement: Select[Any]) -> Totals | None:
        """Return the sums over every row of a list, of which a page shows some."""
        return None

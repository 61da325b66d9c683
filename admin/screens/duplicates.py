"""Duplicates: records that may be the same customer, side by side, and what people decided of them (rule 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import false, true, tuple_
from sqlalchemy.orm import joinedload
from wtforms import Form, StringField
from wtforms.validators import Length, Optional

from actions.duplicates import comparing, decisions
from admin.layout import formatters
from admin.screen.base import Screen
from admin.screen_spec.column_info import Condition, Field
from admin.screen_spec.declare import RowAction, Section, View
from admin.screen_spec.registry import registry
from admin.screens import possible_duplicates
from admin.viewmodels.pages import Badge, Link
from models import evidence
from models.customer import Customer
from models.duplicate import DuplicatePair, PairDecision
from models.masks import mask_context
from web.request import session

OPEN = DuplicatePair.is_open.is_(True)
QUEUE = (DuplicatePair.is_likely, DuplicatePair.score, DuplicatePair.id)
"""What pairs are gone through by, the highest first."""


SHOWN = (
    "first_name", "last_name", "company_name", "email", "phones", "primary_address", "date_of_birth", "status",
    "account_type", "loyalty_code", "account_code", "created_at", "last_activity_at", "points", "account_balance",
)  # fmt: skip
"""What of two records stands side by side."""
TELLING = SHOWN[:7]
"""What of that is marked where it differs."""


class DecisionForm(Form):
    """Why; it may be left out, as most are plain to see."""

    reason = StringField(_l("Reason"), [Optional(), Length(max=500)], filters=[lambda text: text or ""])


def _why(view: Any, context: Any, row: DuplicatePair, name: str) -> str:
    """Say what speaks for and against it, of what the person reading sees of a customer (rule 19)."""
    return ", ".join(_(evidence.WORDS[kind]) for kind in evidence.told(row.evidence, mask_context().hidden))


def _state(row: DuplicatePair) -> Badge:
    if row.is_likely:
        return Badge(_("Likely the same"), "orange")
    if not _says_why():
        return Badge(_("May be the same"), "azure")
    return Badge(_("Same surname and postcode") if row.is_plain else _("Same email"), "azure")


def _says_why() -> bool:
    """Return whether the person reading sees what flags a pair that is not likely the same: emails, and postcodes."""
    return not mask_context().hidden & {"email", "address"}


def _beside(view: Any, context: Any, row: DuplicatePair, name: str) -> Markup:
    """Put the two records side by side, what differs marked."""
    heads = [_head(customer) for customer in (row.lower, row.higher)]
    lines = [_line(*line) for line in _compared(row)]
    table = Markup('<table class="pair"><thead><tr><td></td>{}{}</tr></thead><tbody>{}</tbody></table>')
    return table.format(*heads, Markup("").join(lines))


def _beside_text(view: Any, context: Any, row: DuplicatePair, name: str) -> str:
    return f"#{row.lower_id}, #{row.higher_id}"


def _head(customer: Customer) -> Markup:
    screen = registry().screens["customer"]
    link = Markup('<th scope="col"><a href="{}">{}</a> <span class="text-secondary">#{}</span></th>')
    return link.format(screen.line_url(customer), customer, customer.id)


def _line(label: str, one: Any, other: Any, tells: bool) -> Markup:
    row = Markup('<tr{}><th scope="row">{}</th><td>{}</td><td>{}</td></tr>')
    marked = Markup(' class="differs"') if tells and one and other and one != other else ""
    return row.format(marked, label, *(cell or formatters.nothing() for cell in (one, other)))


def _compared(row: DuplicatePair) -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield (label, the one's, the other's, whether a difference tells two people apart)."""
    screen, both = registry().screens["customer"], (row.lower, row.higher)
    for name in SHOWN:
        one, other = (screen.cell(customer, name, whole=True).html for customer in both)
        yield str(screen.get_column_name(name)), one, other, name in TELLING
    for label, figures in comparing.counts(session(), [c.id for c in both]):
        yield _(label), figures[row.lower_id], figures[row.higher_id], False


def _next(after: DuplicatePair | None = None) -> str:
    """Return the address of the pair that comes next in the queue; the list, where none is left."""
    screen = registry().screens["duplicate"]
    wanted = screen.base_select().where(OPEN).order_by(*(column.desc() for column in QUEUE)).limit(1)
    if after is not None:
        here = tuple_(after.is_likely, after.score, after.id)
        wanted = wanted.where(tuple_(*QUEUE) < here)
    row = session().scalar(wanted)
    return screen.row_url("details_view", row.id) if row is not None else screen.url_to("index_view")


def _merges(row: DuplicatePair) -> Sequence[Link]:
    """Return the ways to merge, into the older record and the newer one, for users who may."""
    customers = registry().screens["customer"]
    if not customers.offers("merge"):
        return ()
    ways = ((row.lower_id, row.higher_id, "m"), (row.higher_id, row.lower_id, ""))
    return [
        Link(
            _("Merge into #%(id)s", id=survivor),
            customers.url_to("act_view", verb="merge", id=survivor, others=other),
            "git-merge",
            key=key,
        )
        for survivor, other, key in ways
    ]


EITHER = "customer"
"""The filter by which the list stands as a tab on a customer."""
_LESS_LIKELY = {"is_open__eq": "1", "is_likely__eq": "0"}


class DuplicateScreen(Screen):
    """The queue: what somebody has decided about stands in it no more."""

    model = DuplicatePair
    menu = ""
    icon = "copy"
    column_list = ("score", "lower", "higher", "why", "is_likely", "found_at", "is_open")
    column_default_sort = ("score", True)
    column_filters = ("lower", "higher", "score", "is_likely", "is_plain", "found_at", "is_open")
    column_labels = {
        "lower": _l("Record"),
        "higher": _l("Other record"),
        "why": _l("Why"),
        "beside": _l("Side by side"),
    }
    column_formatters = {"why": _why, "beside": _beside}
    column_formatters_export = {"why": _why, "beside": _beside_text}
    column_figures = ("why", "beside")
    sections = (
        Section(_l("Side by side"), ("beside",), whole=True),
        Section(_l("Why"), ("why", "score", "found_at")),
    )
    views = (
        View("likely", _l("Likely the same"), {"is_open__eq": "1", "is_likely__eq": "1"}, counted=True),
        View(
            "plain",
            _l("Same surname and postcode"),
            {**_LESS_LIKELY, "is_plain__eq": "1"},
            visible_if=_says_why,
        ),
        View("email", _l("Same email only"), {**_LESS_LIKELY, "is_plain__eq": "0"}, visible_if=_says_why),
        View("weaker", _l("May be the same"), _LESS_LIKELY, visible_if=lambda: not _says_why()),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(
            decisions.dismiss,
            DecisionForm,
            "x",
            button=True,
            key="d",
            at_once=True,
            then=_next,
            visible_if=lambda row: row.is_open,
        ),
        RowAction(
            decisions.household,
            DecisionForm,
            "home",
            button=True,
            key="h",
            at_once=True,
            then=_next,
            visible_if=lambda row: row.is_open,
        ),
    )
    can_create = can_edit = can_delete = False
    empty = _l("Records that may be the same customer are listed here, with what speaks for it and against.")

    @cached_property
    def tab_filters(self) -> tuple[str, ...]:
        """Stand on the record of either."""
        return (*super().tab_filters, EITHER)

    def get_column_name(self, field: str) -> str:
        """Name the filter that is no column."""
        return _("Either record") if field == EITHER else super().get_column_name(field)

    def clause(self, condition: Condition) -> Any:
        """Find the pairs that a record is part of, as either of the two."""
        if condition.field.name != EITHER:
            return super().clause(condition)
        if condition.operator == "empty":
            return false() if condition.value else true()
        return possible_duplicates.of(condition.value)

    @property
    def withheld(self) -> frozenset[str]:
        """Keep what a pair shares from users who do not see it of the records themselves (rule 19)."""
        return super().withheld if _says_why() else super().withheld | {"is_plain"}

    def field(self, name: str) -> Field:
        """Set words to the left, as they are no figures; either record is none of the columns."""
        if name == EITHER:
            return Field(name, "lookup", target=Customer)
        return Field(name, "computed") if name in ("why", "beside") else super().field(name)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join both records."""
        return [joinedload(DuplicatePair.lower), joinedload(DuplicatePair.higher)]

    def badges(self, row: DuplicatePair) -> Sequence[Badge]:
        """Say which kind of pair it is."""
        return (_state(row),)

    def subtitle(self, row: DuplicatePair) -> Sequence[Any]:
        """Say what speaks for and against it."""
        return (_why(self, None, row, ""),)

    def notice(self, row: DuplicatePair) -> Any:
        """Say that somebody has decided."""
        return "" if row.is_open else _("Somebody has decided that these are two customers.")

    def buttons(self, row: DuplicatePair) -> Sequence[Link]:
        """Offer to merge, into the older record or the newer one, and to go on to the next pair."""
        return (Link(_("Skip"), _next(row), "chevron-right", key="s"), *_merges(row))

    def menu_links(self, row: DuplicatePair) -> Sequence[Link]:
        """Offer to merge where a pair stands in a list, such as on a record's tab."""
        return [replace(link, key="") for link in _merges(row)] if row.is_open else ()


class PairDecisionScreen(Screen):
    """What was decided: people who are not the same customer, and households."""

    model = PairDecision
    menu = "Records"
    icon = "home"
    column_list = ("lower", "higher", "verdict", "reason", "created_at", "reopened_at")
    column_default_sort = ("created_at", True)
    column_labels = {"lower": _l("Record"), "higher": _l("Other record"), "created_at": _l("Decided")}
    views = (
        View("households", _l("Households"), {"verdict__eq": "household", "reopened_at__empty": "1"}),
        View("different", _l("Not the same"), {"verdict__eq": "different", "reopened_at__empty": "1"}),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(
            decisions.reopen, DecisionForm, "arrow-back-up", visible_if=lambda row: row.reopened_at is None
        ),
    )
    can_create = can_edit = can_delete = False
    empty = _l("Records that somebody has said are not the same customer are listed here.")

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join both records, which name it."""
        return [joinedload(PairDecision.lower), joinedload(PairDecision.higher)]

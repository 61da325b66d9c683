"""What so many records share that it makes no pairs: in words, with the way to the records (rule 7.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Select, false, func, not_, select
from sqlalchemy.orm import joinedload, selectinload

from actions.core.base import Actor
from actions.duplicates import crowds, keys
from admin.layout import formatters
from admin.listing.list_page import count_words
from admin.request.context import allowed, channels, mask_context
from admin.screen.base import Screen
from admin.screen_spec.column_info import Condition, Field
from admin.screen_spec.declare import RowAction, View
from admin.screen_spec.registry import registry
from admin.screens.duplicates import DecisionForm
from models.base import N_
from models.customer import Customer
from models.duplicate import CrowdKind, DuplicateCrowd, DuplicateKey
from web.request import memo, session, shop

FILTER = "crowd"
"""The argument of the list of customers that narrows it to those who share something."""
K = CrowdKind
SAID: dict[CrowdKind, str] = {
    K.EMAIL: N_("%(count)s records have the email %(0)s"),
    K.PHONE: N_("%(count)s records have the phone %(0)s"),
    K.SURNAME_POSTCODE: N_("%(count)s records have the postcode %(0)s and the surname %(1)s"),
    K.INITIAL_BIRTH: N_("%(count)s records have the date of birth %(0)s and a name that begins with %(1)s"),
    K.BIRTH_POSTCODE: N_("%(count)s records have the postcode %(0)s and the date of birth %(1)s"),
    K.MAILBOX: N_("%(count)s records have an email that begins with %(0)s@"),
    K.COMPANY_POSTCODE: N_("%(count)s records have the postcode %(0)s and the company %(1)s"),
    K.COMPANY_NUMBER: N_("%(count)s records have the company number %(0)s"),
    K.VAT_NUMBER: N_("%(count)s records have the VAT number %(0)s"),
    K.FULL_NAME: N_("%(count)s records have the names %(0)s and %(1)s"),
    K.STREET_TOWN: N_("%(count)s records have the address %(0)s, %(1)s"),
}
"""What people read, by what is shared. What is left out follows from one of these, or tells nobody anything."""
GROUPS: dict[CrowdKind, frozenset[str]] = {
    K.EMAIL: frozenset({"email"}),
    K.PHONE: frozenset({"phone"}),
    K.SURNAME_POSTCODE: frozenset({"address"}),
    K.INITIAL_BIRTH: frozenset({"birth"}),
    K.BIRTH_POSTCODE: frozenset({"birth", "address"}),
    K.MAILBOX: frozenset({"email"}),
    K.COMPANY_POSTCODE: frozenset({"address"}),
    K.COMPANY_NUMBER: frozenset({"vat"}),
    K.VAT_NUMBER: frozenset({"vat"}),
    K.FULL_NAME: frozenset(),
    K.STREET_TOWN: frozenset({"address"}),
}
"""The groups of masked columns (rule 19) that somebody has to see to be told of it."""


def clause(condition: Condition) -> Any:
    """Return who shares what the filter names, as far as the person asking may know of that."""
    shared = _permitted().with_only_columns(DuplicateCrowd.value)
    if condition.operator == "eq":
        shared = shared.where(DuplicateCrowd.id == condition.value)
    found = Customer.id.in_(select(DuplicateKey.customer_id).where(DuplicateKey.value.in_(shared)))
    return not_(found) if condition.operator == "empty" and condition.value else found


def _permitted() -> Select[Any]:
    screen = registry().screens["duplicate_crowd"]
    rows = screen.base_select().where(DuplicateCrowd.size > 0)
    return rows if allowed("list", "duplicate_crowd") else rows.where(false())


def _told() -> list[CrowdKind]:
    hidden = mask_context().hidden
    return [kind for kind in SAID if not GROUPS[kind] & hidden]


# -- in words -------------------------------------------------------------------------------------------------------


def _words(view: Any, context: Any, row: DuplicateCrowd, name: str) -> Markup:
    """Say it, with the way to the records for users who list customers."""
    words = _said(row)
    customers = registry().screens["customer"]
    if not (row.size and customers.can("list")):
        return Markup("{}").format(words)
    url = customers.url_to("index_view", view="all", **{f"{FILTER}__eq": row.id})
    return Markup('<a href="{}">{}</a>').format(url, words)


def _words_in_files(view: Any, context: Any, row: DuplicateCrowd, name: str) -> str:
    return _said(row)


def _said(row: DuplicateCrowd) -> str:
    parts = memo(("crowd", row.id), lambda: _parts([row]).get(row.value, ()))
    if not parts:
        return str(row)
    return _(SAID[row.kind]) % {
        "count": count_words(row.size),
        **{str(n): part for n, part in enumerate(parts)},
    }


def _parts(rows: Sequence[DuplicateCrowd]) -> dict[int, Sequence[str]]:
    """Return value -> what it is made of, as one of the records has it: the rows hold no more than a number."""
    values = [row.value for row in rows]
    sample = select(DuplicateKey.value, func.min(DuplicateKey.customer_id)).where(
        DuplicateKey.value.in_(values)
    )
    owners = {row[0]: row[1] for row in session().execute(sample.group_by(DuplicateKey.value))}
    wanted = select(Customer).where(Customer.id.in_(set(owners.values())))
    loaded = wanted.options(
        selectinload(Customer.addresses), selectinload(Customer.phones), joinedload(Customer.agent)
    )
    people = {one.id: one for one in session().scalars(loaded).unique() if one.is_live}
    return {
        value: [
            _spelt(people[owner]).get(part, part)
            for part in keys.made_of(keys.facts_from(people[owner]), value)
        ]
        for value, owner in owners.items()
        if owner in people
    }


def _spelt(customer: Customer) -> Mapping[str, str]:
    """Return search key -> the text that it is the key of, of one record."""
    known = {
        customer.email_key: customer.email,
        customer.company_key: customer.company_name,
        customer.first_name_key: customer.first_name,
        customer.last_name_key: customer.last_name,
        **{phone.number_key: phone.number for phone in customer.phones},
    }
    for address in customer.addresses:
        known |= {
            address.postcode_key: address.postcode, address.line1_key: address.line1, address.town_key: address.town,
        }  # fmt: skip
    if customer.date_of_birth:
        known[customer.date_of_birth.isoformat()] = formatters.day(customer.date_of_birth, shop())
    return {key: str(text) for key, text in known.items() if key and text}


class InWords(Screen):
    """The part of that list which puts it into words, for users who may read them."""

    column_labels = {"words": _l("What they share"), "kind": _l("Kind"), "created_at": _l("Found")}
    column_default_sort = ("size", True)
    column_formatters = {"words": _words}
    column_formatters_export = {"words": _words_in_files}
    column_figures = ("words",)
    can_create = can_edit = can_delete = False

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Leave out what the person asking sees masked; all of it, where they see some customers only (rule 17)."""
        if channels() is not None:
            return statement.where(false())
        return statement.where(DuplicateCrowd.kind.in_(_told()))

    def field(self, name: str) -> Field:
        """Set words to the left, as they are no figures."""
        return Field(name, "computed") if name == "words" else super().field(name)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read what all of a page is made of at once."""
        if "words" in names and rows:
            found = _parts(rows)
            for row in rows:
                memo(("crowd", row.id), partial(found.get, row.value, ()))


class DuplicateCrowdScreen(InWords):
    """What many share: a row each, as no pairs are made of it."""

    model = DuplicateCrowd
    menu = "Records"
    icon = "users"
    column_list = ("words", "kind", "size", "created_at", "is_open", "dismissed_size")
    column_hidden = ("is_open", "dismissed_size")
    views = (
        View("open", _l("Undecided"), {"is_open__eq": "1"}),
        View("dismissed", _l("Not a problem"), {"is_open__eq": "0"}),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(crowds.dismiss, DecisionForm, "x", button=True, visible_if=lambda row: row.is_open),
        RowAction(
            crowds.reopen,
            DecisionForm,
            "arrow-back-up",
            visible_if=lambda row: row.dismissed_size is not None,
        ),
    )
    empty = _l(
        "What more than 50 records share, such as a phone or a postcode and a surname, is listed here."
    )

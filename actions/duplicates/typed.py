"""What is typed of a customer, in a form or by a save, as the facts that they are found by (rule 7.10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from actions.core.base import Context, Warned
from actions.duplicates import alike
from actions.duplicates.alike import Alike
from actions.duplicates.keys import Facts
from actions.duplicates.places import at
from actions.execution.records import after_save, assign
from models.address import Address
from models.base import N_, Base
from models.customer import Customer
from models.evidence import Evidence
from models.phone import Phone
from models.row_scope import Channels, in_scope

NAMED = Evidence.SURNAME | Evidence.POSTCODE
SAID: dict[Evidence, str] = {
    Evidence.EMAIL: N_("May be the same customer as %(customer)s #%(id)s (same email)."),
    Evidence.PHONE: N_("May be the same customer as %(customer)s #%(id)s (same phone)."),
    NAMED: N_("May be the same customer as %(customer)s #%(id)s (same surname and postcode)."),
    Evidence.EMAIL | Evidence.PHONE: N_(
        "May be the same customer as %(customer)s #%(id)s (same email and phone)."
    ),
    Evidence.EMAIL | NAMED: N_(
        "May be the same customer as %(customer)s #%(id)s (same email, surname and postcode)."
    ),
    Evidence.PHONE | NAMED: N_(
        "May be the same customer as %(customer)s #%(id)s (same phone, surname and postcode)."
    ),
    Evidence.EMAIL | Evidence.PHONE | NAMED: N_(
        "May be the same customer as %(customer)s #%(id)s (same email, phone, surname and postcode)."
    ),
}
"""What people read, by what is shared."""


def warned(found: Alike) -> Warned:
    """Return what is said of a customer, to those who may see them."""
    values = {"customer": str(found.customer), "id": found.customer.id}
    return Warned(SAID[found.evidence], values, see=("customer", found.customer.id))


def of_form(
    session: Session, model: type[Base], values: Mapping[str, Any], row: Any, channels: Channels
) -> list[Alike]:
    """Return whom a form names that nobody has saved, whatever else is still wrong in it.

    :param values: what it holds, by name of attribute. :param row: the record that it is of, None for a new one.
    """
    draft = model()
    assign(draft, {name: _as_new(value) for name, value in values.items()})
    _derive(draft, values)
    owner = row if model is Customer else _owner(session, values.get("customer_id"), channels)
    if owner is None and model is not Customer:
        return []
    changed = {
        n for n, value in values.items() if row is None or isinstance(value, list) or getattr(row, n) != value
    }
    return _find(session, draft, changed, owner, channels)


def of_new(
    session: Session, many: Mapping[int, Mapping[str, Any]], channels: Channels
) -> dict[int, list[Alike]]:
    """Return whom many new customers may be, by their values with those of their phones and addresses, as numbered."""
    facts = {}
    for number, values in many.items():
        draft = Customer()
        assign(draft, dict(values))
        _derive(draft, values)
        places = at(address.postcode_key for address in draft.addresses)
        phones = frozenset(phone.number_key for phone in draft.phones)
        facts[number] = Facts(draft.email_key, last_name=draft.last_name_key, places=places, phones=phones)
    return alike.find_each(session, facts, channels)


def _derive(draft: Base, values: Mapping[str, Any]) -> None:
    """Work out the search keys of a row that nobody saves, and of its related rows."""
    related = (
        child for name, value in values.items() if isinstance(value, list) for child in getattr(draft, name)
    )
    for row in (draft, *related):
        row.derive()


def _as_new(value: Any) -> Any:
    """Take related rows as new ones: which of them are there already makes no difference to what is typed."""
    if not isinstance(value, list):
        return value
    return [{name: given for name, given in row.items() if name not in ("id", "version")} for row in value]


def _owner(session: Session, customer_id: int | None, channels: Channels) -> Customer | None:
    scope = in_scope(Customer, channels)
    theirs = select(Customer).where(Customer.id == customer_id, *(() if scope is None else (scope,)))
    return session.scalar(theirs.options(load_only(Customer.last_name_key)))


def _tell(ctx: Context, row: Any, changed: set[str], created: bool) -> None:
    """Name, to a member of staff, whom a record that was just saved may be the same as by what has changed."""
    if ctx.actor.id is None or ctx.actor.customer_id is not None:
        return
    new = created and isinstance(row, Customer)
    owner = row if isinstance(row, Customer) else row.customer
    for found in _find(ctx.session, row, changed, None if new else owner, ctx.channels):
        ctx.warnings.append(warned(found))


def _find(
    session: Session, row: Any, changed: Collection[str], owner: Customer | None, channels: Channels
) -> list[Alike]:
    facts = FACTS[type(row)](session, row, changed, owner)
    return alike.find(session, facts, channels, but=None if owner is None else owner.id)


# -- facts ----------------------------------------------------------------------------------------------------------


def _of_customer(session: Session, row: Customer, changed: Collection[str], owner: Customer | None) -> Facts:
    theirs = (
        select(Address.postcode_key).where(Address.customer_id == owner.id) if owner is not None else None
    )
    renamed = "last_name" in changed and row.last_name_key
    return Facts(
        email=row.email_key if "email" in changed else "",
        last_name=row.last_name_key,
        places=at(session.scalars(theirs) if theirs is not None and renamed else ()),
        phones=frozenset(phone.number_key for phone in row.phones) if "phones" in changed else frozenset(),
    )


def _of_address(session: Session, row: Address, changed: Collection[str], owner: Customer | None) -> Facts:
    if owner is None or not {*changed} & {"postcode", "country"}:
        return Facts()
    return Facts(last_name=owner.last_name_key, places=at([row.postcode_key]))


def _of_phone(session: Session, row: Phone, changed: Collection[str], owner: Customer | None) -> Facts:
    return Facts(phones=frozenset({row.number_key}) if {*changed} & {"number", "country"} else frozenset())


FACTS: dict[type[Base], Callable[[Session, Any, Collection[str], Customer | None], Facts]] = {
    Customer: _of_customer,
    Address: _of_address,
    Phone: _of_phone,
}
"""Model -> what is looked for once some fields of a row have changed, and whose it is: nobody's, of a new customer."""
for _model in FACTS:
    after_save(_model)(_tell)

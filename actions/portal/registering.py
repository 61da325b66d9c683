"""Registering by a link that was mailed to the address (rules 5.6 to 5.8).

Nothing is written to customers until the link is followed and its form is sent. What there is already is said in the
mail, which only the owner of the mailbox reads.
"""

from __future__ import annotations

import datetime as dt
import enum
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from actions.core.base import CUSTOMER, Actor, Context, Invalid, Refused
from actions.core.mail_templates import MailTemplate, address_of, declare
from actions.execution.records import save_new, save_values
from actions.execution.runner import Call
from actions.execution.session_store import digest
from actions.portal import links, passwords, trade_enquiries
from actions.staff.passwords import Hashed
from models import normalise
from models.base import N_
from models.choices import AccountType, Status
from models.customer import Customer
from models.dialect import advisory_lock
from models.note import Note, NoteKind
from models.phone import Phone, PhoneKind
from models.portal import PortalLinkKind
from models.validate import email as checked_email

TABLE = links.TABLE
LASTS = dt.timedelta(hours=24)
NEW = Actor(None, CUSTOMER)
"""Somebody who registers: a customer, who has no number yet."""
TO_REGISTER = (Status.GUEST, Status.IN_STORE)
CONTACT = (
    "contact_us",
    N_("An account with this email address cannot be opened online. Please contact us."),
)
CHANGED = "changed", N_("Something has changed in the meantime. Send the form again.")
SAME = N_("May be the same customer as %(others)s: same email address or phone number.")
MOST_NAMED = 5

LINK = declare(
    MailTemplate(
        "customer_registration", N_("Customer: link to register"), N_("Open your account with %(shop)s")
    )
)
KNOWN = declare(
    MailTemplate(
        "customer_registration_known",
        N_("Customer: has an account already"),
        N_("Your account with %(shop)s"),
    )
)
NOT_ONLINE = declare(
    MailTemplate(
        "customer_registration_refused",
        N_("Customer: cannot register online"),
        N_("Your account with %(shop)s"),
    )
)


class Verdict(enum.Enum):
    """What becomes of somebody who wants to register with an address."""

    OPEN = "open"
    KNOWN = "known"
    CONTACT = "contact"
    """The shop's staff look after it: no account by the back way for those who are inactive, waiting or merged."""


@dataclass(frozen=True, slots=True)
class Details:
    """What somebody who registers tells of themselves; empty fields are None."""

    first_name: str | None
    last_name: str | None
    account_type: AccountType = AccountType.RETAIL
    phone: str | None = None
    company_name: str | None = None
    vat_number: str | None = None
    company_number: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The fields that are columns of a customer; those of a company go with a trade account only."""
        own = ("first_name", "last_name")
        trade = ("company_name", "vat_number", "company_number")
        names = (*own, *trade) if self.account_type == AccountType.TRADE else own
        return {name: value for name in names if (value := getattr(self, name))}


def judge(session: Session, email: str) -> tuple[Verdict, Customer | None]:
    """Return what becomes of an address, and the live record that it is about, where there is one.

    Of several guests and in-store customers it is the one who was active last.
    """
    rows = session.scalars(select(Customer).where(Customer.email_key == normalise.email(email))).all()
    live = [row for row in rows if row.is_live]
    for row in live:
        if row.status == Status.REGISTERED and row.is_active:
            return Verdict.KNOWN, row
    if any(not row.is_active or row.status not in TO_REGISTER for row in live) or (rows and not live):
        return Verdict.CONTACT, None
    return Verdict.OPEN, max(live, key=_active, default=None)


def _active(row: Customer) -> tuple[dt.datetime, int]:
    return row.last_activity_at or row.created_at, row.id


def answer(ctx: Context, typed: str) -> None:
    """Write to an address what becomes of its wish to register: with a link, where it may (rule 5.6)."""
    try:
        address = checked_email("email", typed)
    except Invalid:
        return
    assert address is not None
    verdict, found = judge(ctx.session, address)
    if verdict is Verdict.KNOWN and found is not None:
        ctx.set_subject(found)
        ctx.mail(KNOWN, found)
    elif verdict is Verdict.CONTACT:
        ctx.mail_to(NOT_ONLINE, address)
    else:
        # Not to what was typed where it only looks like the address of the record: that may be another mailbox.
        own = address_of(found) if found is not None else address
        if own is not None:
            ctx.mail_to(LINK, own, secret=_make(ctx, own))


def _make(ctx: Context, address: str) -> str:
    """Make a link to register with an address, in place of every older one; return its token."""
    token = secrets.token_urlsafe(32)
    _void(ctx, address)
    row = {"kind": PortalLinkKind.REGISTRATION, "email": address, "token_hash": digest(token)}
    until = {"created_at": ctx.now, "expires_at": ctx.now + LASTS}
    ctx.session.connection().execute(insert(TABLE).values({**row, **until}))
    return token


def _void(ctx: Context, address: str) -> None:
    connection, key = ctx.session.connection(), normalise.email(address)
    advisory_lock(connection, f"registering {key}")
    rows = connection.execute(select(TABLE.c.id, TABLE.c.email).where(*_open(ctx.now))).all()
    ids = [row.id for row in rows if normalise.email(row.email) == key]
    connection.execute(update(TABLE).where(TABLE.c.id.in_(ids)).values(voided_at=ctx.now))


def _open(now: dt.datetime) -> tuple[Any, ...]:
    columns = TABLE.c
    still = columns.used_at.is_(None), columns.voided_at.is_(None), columns.expires_at > now
    return columns.kind == PortalLinkKind.REGISTRATION, *still


def address_behind(session: Session, token: str, now: dt.datetime) -> str | None:
    """Return the address that a link registers, as long as it is good; looking uses nothing up."""
    return session.scalar(select(TABLE.c.email).where(TABLE.c.token_hash == digest(token), *_open(now)))


def register(
    engine: Engine, call: Call, token: str, details: Details, password: Hashed, hint: str | None = None
) -> Status:
    """Register who follows a link: the guest or in-store customer with its address, else a new customer (rule 5.7).

    The link is used up in the same transaction. Return the status: a trade customer waits for approval.

    :raises Invalid: by field. :raises Refused: ``link_void``, ``has_account``, ``contact_us``, ``changed``.
    """
    with passwords.of_account(engine, "customer.registered", call) as ctx:
        return _register(ctx, token, details, password, hint)


def _register(ctx: Context, token: str, details: Details, password: Hashed, hint: str | None) -> Status:
    email = _use(ctx, token)
    found = _existing(ctx, email)
    customer = _created(ctx, email, details) if found is None else _taken_over(ctx, found, details)
    ctx.set_subject(customer)
    ctx.journal.header["on_behalf_of_id"] = customer.id  # whose portal it is from now on (rule 6.3)
    passwords.put(ctx, customer, password, hint=hint)
    _flag(ctx, customer)
    if customer.status == Status.PENDING_APPROVAL:
        trade_enquiries.send(ctx, customer)
    return customer.status


def _use(ctx: Context, token: str) -> str:
    """Use a link up and return its address, which is locked first, as where links are made: so neither waits for the
    other.

    :raises Refused: ``link_void``.
    """
    email = address_behind(ctx.session, token, ctx.now)
    if email is not None:
        connection = ctx.session.connection()
        advisory_lock(connection, f"registering {normalise.email(email)}")
        good = TABLE.c.token_hash == digest(token), *_open(ctx.now)
        if connection.execute(update(TABLE).where(*good).values(used_at=ctx.now)).rowcount == 1:
            return email
    raise Refused(*passwords.VOID)


def _existing(ctx: Context, email: str) -> Customer | None:
    """Return the record to register, locked; None where there is none. :raises Refused: it is not to be registered."""
    verdict, found = judge(ctx.session, email)
    if verdict is Verdict.KNOWN:
        raise Refused(*passwords.HAS_ACCOUNT)
    if verdict is Verdict.CONTACT:
        raise Refused(*CONTACT)
    if found is None:
        return None
    if (found.email or "").strip().lower() != email.lower():
        raise Refused(*CONTACT)  # an address that only looks the same may be another person's
    locked = ctx.lock_one(Customer, found.id)
    if judge(ctx.session, email) != (Verdict.OPEN, locked):
        raise Refused(*CHANGED)
    return locked


def _created(ctx: Context, email: str, details: Details) -> Customer:
    customer = Customer()
    values = {**details.columns, "email": email, "account_type": details.account_type}
    save_new(ctx, customer, {**values, **_phone(ctx, details), "email_verified_at": ctx.now})
    return customer


def _taken_over(ctx: Context, customer: Customer, details: Details) -> Customer:
    """Register a record that is there: what it says already stays, what is empty is filled in."""
    values = {n: value for n, value in details.columns.items() if not getattr(customer, n)}
    if customer.first_name or customer.last_name:
        values = {n: value for n, value in values.items() if n not in ("first_name", "last_name")}
    if not customer.phones:
        values |= _phone(ctx, details)
    applies = details.account_type == AccountType.TRADE and customer.account_type == AccountType.RETAIL
    if applies:
        values["account_type"] = AccountType.TRADE
    else:
        values |= {"status": Status.REGISTERED, "registered_at": customer.registered_at or ctx.now}
    save_values(ctx, customer, {**values, "email_verified_at": ctx.now})
    return customer


def _phone(ctx: Context, details: Details) -> dict[str, Any]:
    if not details.phone:
        return {}
    phone = {"kind": PhoneKind.MOBILE, "number": details.phone, "country": ctx.shop.country}
    return {"phones": [phone]}


def _flag(ctx: Context, customer: Customer) -> None:
    """Write staff a task where another live record has the same email address or phone number."""
    others = _alike(ctx.session, customer)
    if others:
        named = ", ".join(f"#{row_id}" for row_id in others)
        body = SAME % {"others": named}
        save_new(ctx, Note(customer_id=customer.id), {"kind": NoteKind.TASK, "body": body})


def _alike(session: Session, customer: Customer) -> Sequence[int]:
    numbers = [phone.number_key for phone in customer.phones if phone.number_key]
    same_phone = exists().where(Phone.customer_id == Customer.id, Phone.number_key.in_(numbers))
    alike = or_(Customer.email_key == customer.email_key, same_phone)
    live = Customer.merged_into_id.is_(None), Customer.anonymised_at.is_(None), Customer.id != customer.id
    return session.scalars(
        select(Customer.id).where(alike, *live).order_by(Customer.id).limit(MOST_NAMED)
    ).all()

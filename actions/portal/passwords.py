"""How a customer comes by another password, and what ends with the old one (rules 5.1 to 5.3).

It is hashed and checked as those of staff are (actions/staff/passwords.py), but may be shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Engine, Table, delete, update
from sqlalchemy.exc import IntegrityError

from actions.core.base import Context, Invalid, Refused
from actions.core.mail_templates import MailTemplate, declare
from actions.execution import session_store
from actions.execution.constraints import to_refusal
from actions.execution.records import save_values
from actions.execution.runner import Call, changeset
from actions.portal import links, sessions, visits
from actions.staff import passwords
from actions.staff.passwords import Hashed
from models import normalise
from models.base import N_
from models.choices import Status
from models.customer import Customer
from models.portal import PortalBrowser
from models.shop import Shop

SHORTEST = 8
LONGEST_HINT = 120
HINT_TELLS = N_("The hint contains the password. Choose another hint.")
HINT_TOO_LONG = N_("Enter a hint of at most 120 characters.")
VOID = "link_void", N_("This link has been used, has expired or was replaced by a newer one.")
CHANGED_MEANWHILE = (
    "changed_meanwhile",
    N_("Your password has just been changed elsewhere. Nothing was changed here. Sign in again."),
)
BROWSERS = cast(Table, PortalBrowser.__table__)
HAS_ACCOUNT = (
    "has_account",
    N_("There is an account with this email address already. Sign in to it, or ask for a new password."),
)
CHANGED = declare(
    MailTemplate(
        "customer_password_changed", N_("Customer: password changed"), N_("Your password was changed")
    )
)


@dataclass(slots=True)
class _Named:
    """A customer as the rules of passwords look at a person: none of these may make up a password."""

    first_name: str
    last_name: str
    username: str
    email: str


def hashed(password: str, customer: Customer, hash_password: Callable[[str], str]) -> Hashed:
    """Return the stored form of a password. :raises Invalid: under ``password``, it does not keep the rules."""
    company = customer.company_name or ""
    person = _Named(customer.first_name or "", customer.last_name or "", company, customer.email or "")
    passwords.check(password, person, shortest=SHORTEST)
    return Hashed(hash_password(password))


def checked_hint(shop: Shop, hint: str | None, password: str) -> str | None:
    """Return a hint as it is stored; None where there is none, or the shop has none (rule 5.12).

    :raises Invalid: under ``hint``, it is too long or contains the password.
    """
    found = " ".join(normalise.trimmed(hint).split())
    if not shop.password_hints or not found:
        return None
    if len(found) > LONGEST_HINT:
        raise Invalid({"hint": HINT_TOO_LONG})
    bare, wanted = ("".join(text.casefold().split()) for text in (found, password))
    if wanted and (wanted in bare or wanted[::-1] in bare):
        raise Invalid({"hint": HINT_TELLS})
    return found


@contextmanager
def of_account(engine: Engine, code: str, call: Call) -> Iterator[Context]:
    """Open a changeset in which a customer comes to have an address, or an account with it.

    :raises Refused: ``has_account``, where it is a registered customer's by now (rule 11.4).
    """
    try:
        with changeset(engine, code, call) as ctx:
            yield ctx
    except IntegrityError as error:
        if isinstance(to_refusal(error, Customer), Invalid):
            raise Refused(*HAS_ACCOUNT) from error
        raise


def redeem(
    engine: Engine, call: Call, token: str, customer_id: int, password: Hashed, hint: str | None = None
) -> None:
    """Give a customer the password they chose by a link, which is used up; who had no account is registered.

    That the link came from their mailbox verifies the address.

    :raises Refused: ``link_void``; ``has_account``, where their email is a registered customer's by now.
    """
    with of_account(engine, "customer.password_changed", call) as ctx:
        customer = ctx.lock_one(Customer, customer_id)
        usable = links.may_choose(customer)
        if not usable or not links.use(ctx.session.connection(), token, customer.id, ctx.now):
            raise Refused(*VOID)
        ctx.set_subject(customer)
        _ = ctx.changeset_id
        _register(ctx, customer)
        store(ctx, customer, password, hint=hint)


def change(
    engine: Engine, call: Call, customer_id: int, present: str | None, password: Hashed, session_id: int
) -> str:
    """Give a customer the password they chose in their portal; return a new token for the session they did it in.

    :param present: what was stored of the password that they have shown they know.
    :raises Refused: ``not_in_portal``, where it is not the customer who asks (rule 6.5); ``changed_meanwhile``, where
        they have another password by now, or may not be there any more.
    """
    visits.only_themselves(call, customer_id)
    with changeset(engine, "customer.password_changed", call) as ctx:
        customer = ctx.lock_one(Customer, customer_id)
        if customer.password_hash != present or not links.may_choose(customer):
            raise Refused(*CHANGED_MEANWHILE)
        ctx.set_subject(customer)
        _ = ctx.changeset_id
        store(ctx, customer, password, besides=session_id)
        return sessions.STORE.renew(ctx.session, session_id)


def _register(ctx: Context, customer: Customer) -> None:
    """Note that a customer reads the mailbox of their address, and has an account from now on."""
    values: dict[str, Any] = {"email_verified_at": ctx.now}
    if customer.status != Status.REGISTERED:
        values |= {"status": Status.REGISTERED, "registered_at": customer.registered_at or ctx.now}
    save_values(ctx, customer, values)


def store(
    ctx: Context,
    customer: Customer,
    password: Hashed,
    *,
    hint: str | None = None,
    besides: int | None = None,
) -> None:
    """Store a password, and end all that was opened with the old one; the customer is told by mail.

    :param besides: the id of the session that goes on.
    """
    put(ctx, customer, password, hint=hint, besides=besides)
    ctx.mail(CHANGED, customer)


def put(
    ctx: Context,
    customer: Customer,
    password: Hashed | None,
    *,
    hint: str | None = None,
    besides: int | None = None,
) -> None:
    """Put a password in the place of the old one, with which ends all that it opened; the journal has none of it."""
    stored: dict[str, Any] = {
        "password_hash": password,
        "password_hint": hint,
        "last_password_reset_at": ctx.now,
    }
    ctx.session.execute(update(Customer).where(Customer.id == customer.id).values(stored))
    sessions.STORE.end_all(ctx.session, customer.id, ctx.now, session_store.PASSWORD, besides)
    links.void(ctx.session.connection(), customer.id, ctx.now)
    ctx.session.connection().execute(delete(BROWSERS).where(BROWSERS.c.customer_id == customer.id))

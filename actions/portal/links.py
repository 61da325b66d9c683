"""Links in mails to customers, with which they choose a password (rules 5.1, 5.2).

A token is 256 random bits, of which only the hash is kept; the mail itself forgets it once it has gone out.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any, cast

from sqlalchemy import Connection, Table, event, inspect, select, update
from sqlalchemy.orm import Session, object_session

from actions.core.base import Context, Refused, TooMany
from actions.core.journal import JOURNAL
from actions.core.mail_templates import MailTemplate, address_of, declare
from actions.execution import session_store
from actions.execution.session_store import digest
from actions.portal import sessions
from models.base import N_
from models.choices import Status
from models.customer import Customer
from models.dialect import advisory_lock
from models.portal import PortalBrowser, PortalLink, PortalLinkKind, PortalSession

TABLE = cast(Table, PortalLink.__table__)
PASSWORD_KINDS = (PortalLinkKind.RESET, PortalLinkKind.INVITATION)
KINDS_OF_THE_ACCOUNT = (*PASSWORD_KINDS, PortalLinkKind.EMAIL_CHANGE)
"""What a change of password or email voids; only the way back from a new email address stays (rule 5.9)."""
LASTS = {
    PortalLinkKind.RESET: dt.timedelta(minutes=60),
    PortalLinkKind.INVITATION: dt.timedelta(days=7),
    PortalLinkKind.EMAIL_CHANGE: dt.timedelta(hours=24),
    PortalLinkKind.EMAIL_RETURN: dt.timedelta(hours=72),
    PortalLinkKind.CONTACT_EMAIL: dt.timedelta(days=7),
}
Kinds = tuple[PortalLinkKind, ...]
HOUR = dt.timedelta(hours=1)
MOST_TO_ONE, MOST_BY_ONE = 3, 30
"""Links that are sent to one customer, and by one member of staff, within an hour (rule 5.4)."""

TO_ONE = N_("%(customer)s has been sent 3 links in the last hour. Try again in %(minutes)s min.")
BY_ONE = N_("You have sent 30 links in the last hour. Try again in %(minutes)s min.")
NO_PORTAL = "no_portal", N_("There is no customer portal to link to. Ask an admin to set PORTAL_BASE_URL.")
NO_EMAIL = "no_email", N_("%(customer)s has no email address to send the link to.")

TEMPLATE = {
    PortalLinkKind.RESET: declare(
        MailTemplate(
            "customer_reset",
            N_("Customer: password reset"),
            N_("Choose a new password for %(shop)s"),
            frozenset({"has_hint"}),
        )
    ),
    PortalLinkKind.INVITATION: declare(
        MailTemplate(
            "customer_invitation", N_("Customer: invitation to register"), N_("Your account with %(shop)s")
        )
    ),
}


def send(ctx: Context, customer: Customer, *, by_the_hour: bool = True) -> str:
    """Mail a locked customer a link to choose a password with, in place of every older one; return the address.

    Those who have no account yet (guests, in-store customers) get an invitation, with which they register.

    :param by_the_hour: whether it counts among the thirty links that the actor may send within an hour.
    :raises Refused: ``no_portal``, ``no_email``.
    :raises TooMany: three were sent to them within the hour, or thirty by the actor.
    """
    if not ctx.has_portal:
        raise Refused(*NO_PORTAL)
    address = address_of(customer)
    if address is None:
        raise Refused(*NO_EMAIL, customer=str(customer))
    _refuse_too_many(ctx, customer, by_the_hour=by_the_hour)
    mail_link(ctx, customer)
    return address


def mail_link(ctx: Context, customer: Customer) -> None:
    """Mail a link to a password, however many were sent: an invitation to those who have no account yet."""
    registered = customer.status == Status.REGISTERED
    kind = PortalLinkKind.RESET if registered else PortalLinkKind.INVITATION
    token = make(ctx, customer, kind)
    # The hint itself is filled in at sending: what is stored, staff can read (rule 5.12).
    hint: dict[str, Any] = (
        {"has_hint": bool(ctx.shop.password_hints and customer.password_hint)} if registered else {}
    )
    ctx.mail(TEMPLATE[kind], customer, secret=token, **hint)


def make(ctx: Context, customer: Customer, kind: PortalLinkKind, email: str | None = None) -> str:
    """Make a link in place of every older one of its sort; return its token, known to nobody else.

    :param email: the address that it is about, where that is not the customer's.
    """
    token = secrets.token_urlsafe(32)
    if kind is not PortalLinkKind.EMAIL_RETURN:
        older = PASSWORD_KINDS if kind in PASSWORD_KINDS else (kind,)
        about = email if kind is PortalLinkKind.CONTACT_EMAIL else None
        void(ctx.session.connection(), customer.id, ctx.now, older, about)
    ctx.session.add(
        PortalLink(
            customer_id=customer.id,
            kind=kind,
            email=email,
            token_hash=digest(token),
            sent_by_id=ctx.actor.id,
            created_at=ctx.now,
            expires_at=ctx.now + LASTS[kind],
        )
    )
    ctx.session.flush()
    return token


def _refuse_too_many(ctx: Context, customer: Customer, *, by_the_hour: bool) -> None:
    to_one = _sent_lately(ctx, TABLE.c.customer_id == customer.id)
    if len(to_one) >= MOST_TO_ONE:
        raise _too_many(TO_ONE, to_one[-MOST_TO_ONE], ctx.now, customer=str(customer))
    if ctx.actor.id is None or not by_the_hour:
        return
    advisory_lock(ctx.session.connection(), f"links sent by {ctx.actor.id}")
    by_one = _sent_lately(ctx, TABLE.c.sent_by_id == ctx.actor.id, (PortalLinkKind.RESET,))
    if len(by_one) >= MOST_BY_ONE:
        raise _too_many(BY_ONE, by_one[-MOST_BY_ONE], ctx.now)


def _sent_lately(ctx: Context, which: Any, kinds: Kinds = PASSWORD_KINDS) -> list[dt.datetime]:
    """Return when links to passwords were sent in the last hour, oldest first."""
    lately = TABLE.c.created_at > ctx.now - HOUR, TABLE.c.kind.in_(kinds)
    return list(ctx.session.scalars(select(TABLE.c.created_at).where(which, *lately).order_by(TABLE.c.id)))


def _too_many(message: str, oldest: dt.datetime, now: dt.datetime, **values: Any) -> TooMany:
    return TooMany("too_many_links", message, max(1, int((oldest + HOUR - now).total_seconds())), **values)


def holder(session: Session, token: str, now: dt.datetime, kinds: Kinds = PASSWORD_KINDS) -> Customer | None:
    """Return whose link a token is, as long as it is good; looking uses nothing up."""
    whose = select(TABLE.c.customer_id).where(*_good(token, now, kinds))
    return session.scalar(select(Customer).where(Customer.id.in_(whose), *_may_choose()))


def use(connection: Connection, token: str, customer_id: int, now: dt.datetime) -> bool:
    """Use a link of a customer up, by one conditional write; return whether it was still good."""
    good = (TABLE.c.customer_id == customer_id, *_good(token, now))
    return connection.execute(update(TABLE).where(*good).values(used_at=now)).rowcount == 1


def use_for(
    connection: Connection, token: str, customer_id: int, now: dt.datetime, kind: PortalLinkKind
) -> str | None:
    """Use a link up that is about an address, as :func:`use` does; return the address, None where it is no good."""
    good = (TABLE.c.customer_id == customer_id, *_good(token, now, (kind,)))
    used = update(TABLE).where(*good).values(used_at=now).returning(TABLE.c.email)
    return cast("str | None", connection.scalar(used))


def address_behind(session: Session, token: str, now: dt.datetime, kind: PortalLinkKind) -> str | None:
    """Return the address that a link is about, as long as it is good; looking uses nothing up."""
    return session.scalar(select(TABLE.c.email).where(*_good(token, now, (kind,))))


def may_choose(customer: Customer) -> bool:
    """Return whether a customer may choose a password: live, switched on, not waiting for approval (rule 5.4)."""
    return customer.is_live and customer.is_active and customer.status != Status.PENDING_APPROVAL


def _may_choose() -> tuple[Any, ...]:
    columns = sessions.CUSTOMER.c
    live = columns.merged_into_id.is_(None), columns.anonymised_at.is_(None)
    return *live, columns.is_active, columns.status != Status.PENDING_APPROVAL


def _good(token: str, now: dt.datetime, kinds: Kinds = PASSWORD_KINDS) -> tuple[Any, ...]:
    columns = TABLE.c
    still_open = columns.used_at.is_(None), columns.voided_at.is_(None)
    return columns.token_hash == digest(token), columns.expires_at > now, columns.kind.in_(kinds), *still_open


def void(
    connection: Connection,
    customer_id: int,
    now: dt.datetime,
    kinds: Kinds = KINDS_OF_THE_ACCOUNT,
    email: str | None = None,
) -> None:
    """Make every link of a customer that is still open worth nothing, of some kinds, and about one address if named."""
    still_open = TABLE.c.customer_id == customer_id, TABLE.c.used_at.is_(None), TABLE.c.voided_at.is_(None)
    about = () if email is None else (TABLE.c.email == email,)
    connection.execute(
        update(TABLE).where(*still_open, TABLE.c.kind.in_(kinds), *about).values(voided_at=now)
    )


@event.listens_for(Customer, "before_update")
def _shut_out(_mapper: Any, connection: Connection, customer: Customer) -> None:
    """End what a customer is shut out of, and void what was sent to an address that is no longer theirs.

    Whatever channel changes it: a form, a merge, an undo, an action of its own (rules 3.6, 5.1).
    """
    state, session = inspect(customer).attrs, object_session(customer)
    journal = session.info.get(JOURNAL) if session is not None else None
    if journal is None:
        return
    if not customer.is_live:
        for model in (PortalSession, PortalBrowser, PortalLink):
            gone = cast(Table, model.__table__)
            connection.execute(gone.delete().where(gone.c.customer_id == customer.id))
    elif not may_choose(customer):
        void(connection, customer.id, journal.now, tuple(PortalLinkKind))
    elif state.email.history.has_changes():
        by_staff = journal.header["actor_id"] is not None
        kinds = tuple(PortalLinkKind) if by_staff else KINDS_OF_THE_ACCOUNT
        void(connection, customer.id, journal.now, kinds)
    if customer.is_live and not (customer.is_active and customer.status == Status.REGISTERED):
        theirs = sessions.TABLE.c.customer_id == customer.id
        sessions.STORE.end_where(connection, theirs, journal.now, session_store.DEACTIVATED)
        void(connection, customer.id, journal.now, (PortalLinkKind.CONTACT_EMAIL,))

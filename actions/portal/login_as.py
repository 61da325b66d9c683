"""Log in as customer: staff ask, a token is handed over, a session begins and ends (rule 6).

The token is 256 random bits of which only the hash is kept. It is in the answer to the member of staff who asked, goes
from their browser in the body of a form, is good once within 60 seconds, and begins a session of 30 minutes.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import Engine, Table, and_, func, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from actions.core.base import Actor, Context, Invalid, Outcome, Refused, action
from actions.core.eligibility import EVERY_LIVE, MAY_SIGN_IN
from actions.core.journal import CHANGESET
from actions.core.mail_templates import MailTemplate, declare
from actions.core.texts import now_text
from actions.execution.runner import Call, changeset
from actions.execution.session_store import PATIENCE_MS, digest
from actions.portal import links, sessions
from actions.portal import login_as_standing as standing
from actions.portal.login_as_standing import ANOTHER, REVOKED, TABLE, WHY, times
from models import masks
from models.base import N_
from models.customer import Customer
from models.dialect import PATIENCE, WRITE, advisory_lock, gave_up
from models.login_as import Audience, LoginAs, LoginAsPage
from models.member import Member
from models.normalise import trimmed
from models.portal import PortalSession
from models.staff import permissions_of

log = logging.getLogger(__name__)

HAND_OVER = dt.timedelta(seconds=60)
LASTS = dt.timedelta(minutes=30)
SHORTEST_REASON = 10
LONGEST_PAGE = 200

SHORT = N_("Enter a reason of at least 10 characters.")
NO_TICKET = N_("Enter the ticket number.")
NO_SHOP = "no_shop_site", N_("No address of a shop site is set for this. Ask an admin to add it in Settings.")
NO_SESSION = (
    "no_session",
    N_("You can only log in as a customer from a session of your own, not with an API key."),
)
MASKED = (
    "masked",
    N_(
        "The account shows what your role cannot see, such as phone numbers, so you cannot log in as a customer."
    ),
)
VOID = (
    "hand_over_void",
    N_("This login has been used or has expired. Start again from the customer's record."),
)
OVER = "over", N_("This session has already ended.")
NOT_YOURS = "not_yours", N_("Only the person who is logged in as the customer can turn changes on.")
NOT_ALLOWED = "may_not_act", N_("You do not have permission to make changes as a customer.")

STARTED, ACTING, FINISHED = (
    "customer.login_as_started",
    "customer.login_as_changes",
    "customer.login_as_ended",
)
EVENTS = (STARTED, ACTING, FINISHED)
"""What the journal tells of (actions/staff/security_events.py)."""

TOLD = declare(
    MailTemplate(
        "customer_logged_in_as",
        N_("Customer: staff logged in to the account"),
        N_("Our staff opened your account with %(shop)s"),
        frozenset({"at"}),
    )
)
_PORTAL = cast(Table, PortalSession.__table__)


@action(
    "customer.log_in_as",
    Customer,
    label=N_("Log in as customer"),
    final=True,
    recent=True,
    customers=MAY_SIGN_IN,
)
def log_in_as(
    ctx: Context,
    customer: Customer,
    *,
    reason: str = "",
    ticket: str | None = None,
    audience: Audience | None = None,
) -> Outcome:
    """Make the token of a hand-over, which is in the outcome and nowhere else (rule 6.10).

    :raises Invalid: the reason is too short, or a ticket number is missing where the shop wants one.
    :raises Refused: ``no_session``, ``no_portal``, ``no_shop_site``, ``masked``, or why it is not for this customer.
    """
    wanted, number = trimmed(reason), trimmed(ticket or "")
    wrong = {"reason": SHORT} if len(wanted) < SHORTEST_REASON else {}
    if ctx.shop.login_as_needs_ticket and not number:
        wrong["ticket"] = NO_TICKET
    if wrong:
        raise Invalid(wrong)
    where = audience or Audience.PORTAL
    _check_possible(ctx, where)
    token = secrets.token_urlsafe(32)
    row = LoginAs(
        staff_id=ctx.actor.id, staff_session_id=ctx.session_id, customer_id=customer.id, reason=wanted[:500],
        ticket=number[:60], audience=where, token_hash=digest(token), created_at=ctx.now,
        expires_at=ctx.now + HAND_OVER,
    )  # fmt: skip
    ctx.session.add(row)
    _ = ctx.changeset_id
    ctx.warn(N_("Every page you see there is recorded, and it ends after 30 minutes."))
    told = {"customer": str(customer)}
    return Outcome(N_("You are being logged in as %(customer)s."), customer, told, secret=token)


def _check_possible(ctx: Context, where: Audience) -> None:
    if ctx.actor.id is None or ctx.session_id is None:
        raise Refused(*NO_SESSION)
    if where == Audience.PORTAL and not ctx.has_portal:
        raise Refused(*links.NO_PORTAL)
    if where == Audience.SHOP and ctx.shop.login_as_url is None:
        raise Refused(*NO_SHOP)
    held = permissions_of(ctx.session, ctx.actor.id)
    if any((f"can_see_{group}", masks.OWNER) not in held for group in masks.groups()):
        raise Refused(*MASKED)


# -- begun ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A hand-over that waits to begin: by whom, for whom, and why."""

    id: int
    staff_id: int
    staff_name: str
    customer_id: int
    reason: str

    @property
    def actor(self) -> Actor:
        """The member of staff, in the customer's portal."""
        return Actor(self.staff_id, self.staff_name, self.customer_id)


def waiting(session: Session, token: str, audience: Audience, now: dt.datetime) -> Asked | None:
    """Return the hand-over of a token as long as it is good for an audience; looking uses nothing up."""
    wanted = select(LoginAs).where(*_good(token, audience), WHY.is_(None))
    row = session.scalar(wanted, times(now))
    return (
        Asked(row.id, row.staff_id, str(row.member), row.customer_id, row.reason) if row is not None else None
    )


def _good(token: str, audience: Audience) -> tuple[Any, ...]:
    c = TABLE.c
    return c.token_hash == digest(token), c.audience == audience, c.used_at.is_(None)


def begin(
    engine: Engine, call: Call, asked: Asked, token: str, audience: Audience, api_key_id: int | None = None
) -> dt.datetime:
    """Use a hand-over up by one conditional write, and end what the member of staff had begun before (rule 6.11).

    :param api_key_id: the key of the shop that exchanges it. :return: when the session is over.
    :raises Refused: ``hand_over_void``: somebody was quicker, or it is too late.
    """
    ends_at = call.now + LASTS
    with changeset(engine, STARTED, replace(call, reason=asked.reason)) as ctx:
        connection = ctx.session.connection()
        advisory_lock(connection, f"logged in as a customer by {asked.staff_id}")
        good = update(TABLE).where(TABLE.c.id == asked.id, *_good(token, audience), WHY.is_(None))
        begun = good.values(used_at=call.now, ends_at=ends_at, api_key_id=api_key_id)
        if connection.execute(begun, times(call.now)).rowcount != 1:
            raise Refused(*VOID)
        customer = ctx.session.get_one(Customer, asked.customer_id)
        ctx.set_subject(customer)
        _ = ctx.changeset_id
        if ctx.shop.login_as_mails_customer:
            ctx.mail(TOLD, customer, at=now_text(ctx))
        former = _end_former(ctx, asked)
    for row in former:
        _write_down(engine, call, row.id, row.customer_id, ANOTHER)
    return ends_at


def _end_former(ctx: Context, asked: Asked) -> list[Any]:
    """End the other sessions of the same member of staff; return them. One is open at a time."""
    c, connection = TABLE.c, ctx.session.connection()
    others = c.staff_id == asked.staff_id, c.id != asked.id, c.used_at.is_not(None), c.ended_at.is_(None)
    found = list(
        connection.execute(select(c.id, c.customer_id).where(*others, WHY.is_(None)), times(ctx.now))
    )
    for row in found:
        _end(ctx, row.id, ANOTHER)
    return found


# -- ended ----------------------------------------------------------------------------------------------------------


def _end(ctx: Context, login_as_id: int, because: str) -> bool:
    """End one, and its session in the portal; return whether it was open."""
    connection = ctx.session.connection()
    still_open = update(TABLE).where(TABLE.c.id == login_as_id, TABLE.c.ended_at.is_(None))
    ended = connection.execute(still_open.values(ended_at=ctx.now, ended_because=because)).rowcount == 1
    sessions.STORE.end_where(connection, _PORTAL.c.login_as_id == login_as_id, ctx.now, because)
    return ended


def _write_down(engine: Engine, call: Call, login_as_id: int, customer_id: int, because: str) -> None:
    """Write the end of one that is ended already into the journal."""
    actor = replace(call.actor, customer_id=customer_id)
    with changeset(engine, FINISHED, replace(call, actor=actor, reason=because, key=None)) as ctx:
        _about(ctx, customer_id)


def _about(ctx: Context, customer_id: int) -> None:
    customer = ctx.session.get(Customer, customer_id)
    if customer is not None:
        ctx.set_subject(customer)
    _ = ctx.changeset_id


def end(engine: Engine, call: Call, login_as_id: int, because: str) -> bool:
    """End one for good, and write it down; return whether it was open.

    :param call: whose actor is the member of staff in the customer's portal.
    """
    with changeset(engine, FINISHED, replace(call, reason=because, key=None)) as ctx:
        if not _end(ctx, login_as_id, because):
            return False
        if call.actor.customer_id is not None:
            _about(ctx, call.actor.customer_id)
    return True


def close_all(engine: Engine, now: dt.datetime) -> int:
    """End and write down those that are over by :data:`WHY` and are not known to be; return the number of them."""
    over = select(LoginAs, WHY).where(TABLE.c.ended_at.is_(None), WHY.is_not(None)).limit(100)
    with Session(engine) as session:
        found = [(actor_of(row), row.id, why) for row, why in session.execute(over, times(now))]
    return sum(end(engine, Call(actor, now), login_as_id, why) for actor, login_as_id, why in found)


def actor_of(row: LoginAs) -> Actor:
    """Return the member of staff in the portal of the customer."""
    return Actor(row.staff_id, str(row.member), row.customer_id)


@dataclass(frozen=True, slots=True)
class Over:
    """A session in the portal that is over: as which customer it was, and why."""

    customer_id: int
    why: str


def notice(engine: Engine, call: Call, token: str) -> Over | None:
    """Return what became of the session whose token a browser shows, where staff had begun it; write its end down."""
    shown = select(PortalSession.login_as_id).where(PortalSession.token_hash == digest(token))
    wanted = select(LoginAs, WHY).where(LoginAs.id.in_(shown.where(PortalSession.login_as_id.is_not(None))))
    with Session(engine) as session:
        found = session.execute(wanted, times(call.now)).first()
        if found is None:
            return None
        row, why = found[0], found[1] or standing.PORTAL_SESSION
        actor, over = actor_of(row), Over(row.customer_id, why)
        known = row.ended_at is not None
    if not known:
        end(engine, replace(call, actor=actor), row.id, why)
    return over


@action("login_as.end", LoginAs, label=N_("End session"), final=True, customers=EVERY_LIVE)
def end_from_office(ctx: Context, row: LoginAs) -> Outcome:
    """End somebody's session as a customer at once. :raises Refused: ``over``."""
    why = ctx.session.scalar(select(WHY).where(TABLE.c.id == row.id), times(ctx.now))
    if why is not None or not _end(ctx, row.id, REVOKED):
        raise Refused(*OVER)
    ctx.session.expire(row)
    ctx.journal.header["reason"] = REVOKED
    ctx.set_subject(ctx.session.get_one(Customer, row.customer_id))
    _ = ctx.changeset_id
    ctx.warn(N_("It cannot be continued. They would have to log in as the customer again."))
    member = ctx.session.get_one(Member, row.staff_id)
    return Outcome(N_("%(name)s is no longer logged in as the customer."), row, {"name": str(member)})


@action(
    "login_as.allow_changes",
    LoginAs,
    label=N_("Turn changes on"),
    final=True,
    recent=True,
    customers=EVERY_LIVE,
)
def allow_changes(ctx: Context, row: LoginAs) -> Outcome:
    """Let oneself make changes as a customer from now on, for a shop site, which has no button for it (rule 6.14).

    :raises Refused: ``not_yours``, ``may_not_act`` or ``over``.
    """
    if row.staff_id != ctx.actor.id:
        raise Refused(*NOT_YOURS)
    _turn_on(ctx, row.id)
    ctx.session.expire(row)
    ctx.set_subject(ctx.session.get_one(Customer, row.customer_id))
    _ = ctx.changeset_id
    ctx.warn(N_("What you change is recorded under your name and the customer's."))
    return Outcome(N_("Changes are on until the session ends."), row)


# -- meanwhile ------------------------------------------------------------------------------------------------------


def turn_changes_on(engine: Engine, call: Call, login_as_id: int) -> None:
    """Let a member of staff who may act for customers make changes from now on, and write it down (rule 6.12).

    :raises Refused: ``may_not_act``, or ``over``.
    """
    with changeset(engine, ACTING, call) as ctx:
        _turn_on(ctx, login_as_id)
        assert call.actor.customer_id is not None, "there is a customer as whom somebody is logged in"
        _about(ctx, call.actor.customer_id)


def _turn_on(ctx: Context, login_as_id: int) -> None:
    connection, asked = ctx.session.connection(), times(ctx.now)
    begun = TABLE.c.id == login_as_id, TABLE.c.used_at.is_not(None), WHY.is_(None)
    may = connection.scalar(select(standing.COULD_ACT).where(*begun), asked)
    if (
        may is None
        or connection.execute(update(TABLE).where(*begun).values(may_act=True), asked).rowcount != 1
    ):
        raise Refused(*OVER)
    if not may:
        raise Refused(*NOT_ALLOWED)


def see(engine: Engine, login_as_id: int, page: str, now: dt.datetime) -> None:
    """Write down that a page was seen. A database that is busy is not waited for long: the log says so then."""
    row = {"login_as_id": login_as_id, "at": now, "page": page[:LONGEST_PAGE]}
    try:
        with engine.execution_options(**{WRITE: True, PATIENCE: PATIENCE_MS}).begin() as connection:
            connection.execute(insert(cast(Table, LoginAsPage.__table__)).values(row))
    except OperationalError as error:
        if not gave_up(error):
            raise
        log.warning("login as a customer %s: a page seen could not be noted", login_as_id)


def pages(session: Session, ids: Iterable[int]) -> dict[int, list[LoginAsPage]]:
    """Return id -> the pages that were seen, in the order in which they were."""
    wanted = select(LoginAsPage).where(LoginAsPage.login_as_id.in_(list(ids))).order_by(LoginAsPage.id)
    found: dict[int, list[LoginAsPage]] = {}
    for row in session.scalars(wanted):
        found.setdefault(row.login_as_id, []).append(row)
    return found


def changes(session: Session, ids: Iterable[int]) -> dict[int, int]:
    """Return id -> how many changes were made, by the journal: those of the person, for the customer, in that time."""
    c, made = TABLE.c, CHANGESET.c
    until = func.coalesce(c.ended_at, c.ends_at)
    in_time = made.at >= c.used_at, made.at <= until
    theirs = made.actor_id == c.staff_id, made.on_behalf_of_id == c.customer_id, made.action.not_in(EVENTS)
    found = select(c.id, func.count()).join(CHANGESET, and_(*theirs, *in_time)).where(c.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(found.group_by(c.id))}

"""The action: one declared function through which every change of a fact goes.

``@action("customer.merge", Customer, label="Merge into this record")`` gives the function its permission,
its URL, its audit code and its REST path. The function takes a :class:`Context` first, then (unless it
creates something) the locked row it acts on, then its parameters by keyword, and returns an :class:`Outcome`.
"""

from __future__ import annotations

import datetime as dt
import inspect
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.core import mail_templates, row_guards
from actions.core.actors import CUSTOMER, SYSTEM, Actor, Portal
from actions.core.eligibility import EVERY_LIVE, Eligible
from actions.core.mail_templates import Paper
from actions.core.outcome import Outcome, Warned
from actions.core.outcome_groups import BulkCounts
from actions.core.recipients import UNCONFIRMED, key_for, paper_of, recipients, waiting
from actions.core.refusals import Busy, Conflict, Escalation, Missing, Moved, Refused, TooMany
from actions.core.row_scope import channels_in, seen
from models.base import N_, Base, Invalid
from models.choices import CreatedVia
from models.customer import Customer
from models.mail import LARGEST_FILE, Mail, MailAttachment, masked
from models.member import Member
from models.row_scope import Channels
from models.shop import Shop

if TYPE_CHECKING:
    from actions.core.journal import Journal

Row = TypeVar("Row", bound=Base)

LOCKED_AT_ONCE = 500
"""Rows that one statement locks, as the databases bear only so many values in one."""

__all__ = [
    "ACTIONS",
    "CUSTOMER",
    "SYSTEM",
    "Action",
    "Actor",
    "Busy",
    "Conflict",
    "Context",
    "Escalation",
    "Invalid",
    "Missing",
    "Outcome",
    "Portal",
    "Refused",
    "TooMany",
    "Warned",
    "action",
]


NOT_SENT = N_("No mail server is set up. Emails are kept in the email log and not sent.")


@dataclass(slots=True)
class Context:
    """All an action may know of the outside: the session it writes in, who, when, why, the shop's settings."""

    session: Session
    actor: Actor
    now: dt.datetime
    shop: Shop
    journal: Journal
    reason: str = ""
    key: str | None = None
    via: CreatedVia = CreatedVia.BACK_OFFICE
    """The channel that new records come by."""
    link_base: str | None = None
    """Where no mail can go out: what links begin with, which the person acting is told in place of the mail."""
    has_portal: bool = True
    """Whether customers have a portal that links to them lead to."""
    session_id: int | None = None
    """The session of the back office that the actor asks from; None where there is none: keys, jobs, commands."""
    warnings: list[Warned] = field(default_factory=list)
    customers: Eligible = EVERY_LIVE
    """Which customers the action at work is for."""
    before_commit: list[Callable[[], None]] = field(default_factory=list)
    """What takes a while and only follows: done right before the commit, so that a preview does not wait for it."""
    escalations: list[Escalation] = field(default_factory=list)
    """What was refused of single rows while the others went on, to be written down once all is done."""

    def warn(self, message: str, **values: Any) -> None:
        """Say something the person should know before and after the action; it happens all the same."""
        self.warnings.append(Warned(message, values))

    def mail(
        self,
        code: str,
        customer: Customer,
        *,
        secret: str | None = None,
        key: str | None = None,
        **values: Any,
    ) -> list[Mail]:
        """Write a letter to a customer; it is sent after the commit, and not at all if there is none (rule 14.1).

        Each address of the account that gets such papers gets a mail of its own; one with a secret goes to the
        customer's own alone (rule 14.9). Somebody without an address is told nothing, and the person who acts is told.

        :param code: of a letter in actions/core/mail_templates.py; ``values`` are what its texts ask for.
        :param key: says for what it is written, where that is only once.
        :param secret: takes the place of ``secret`` in the texts when the mail goes out, and is then forgotten.
        :return: the mails, that to the account's own address first.
        """
        paper = Paper.OWN if secret is not None else paper_of(code)
        addresses = recipients(self.session, customer, paper)
        for address in waiting(self.session, customer, paper):
            self.warn(UNCONFIRMED, address=masked(address))
        if not addresses:
            self.warn(
                N_("%(customer)s has no email address, so no email will be sent."), customer=str(customer)
            )
            return []
        written = self._written(code, mail_templates.name_of(customer), customer.language, values, secret)
        return [
            self.post(Mail(customer_id=customer.id, recipient=to, key=key_for(key, place, to), **written))
            for place, to in enumerate(addresses)
        ]

    def mail_staff(
        self, code: str, member: Member, *, to: str = "", secret: str | None = None, **values: Any
    ) -> None:
        """Write a letter to a member of staff, as :meth:`mail` does to a customer.

        :param to: where it goes, if not to the address they have now.
        """
        written = self._written(code, mail_templates.one_line(str(member)), None, values, secret)
        self.post(Mail(staff_id=member.id, recipient=to or member.email, **written))

    def mail_to(
        self, code: str, to: str, about: Customer | None = None, *, secret: str | None = None, **values: Any
    ) -> Mail:
        """Write a letter to an address alone, as :meth:`mail` does; it does not name the customer it is about."""
        language = about.language if about is not None else None
        written = self._written(code, "", language, values, secret)
        return self.post(Mail(customer=about, recipient=to, **written))

    def _written(
        self, code: str, name: str, language: str | None, values: dict[str, Any], secret: str | None
    ) -> dict[str, Any]:
        found = mail_templates.write(mail_templates.MAIL_TEMPLATES[code], self.shop, name, language, values)
        return {
            "template": code,
            "subject": found.subject,
            "text_body": found.text,
            "html_body": found.html,
            "secret": mail_templates.checked_secret(secret),
        }

    def post(self, mail: Mail) -> Mail:
        """Put a mail into the outbox, in this action's transaction."""
        mail.message_id, mail.changeset_id = secrets.token_hex(16), self.changeset_id
        mail.created_at = mail.next_attempt_at = self.now
        if self.link_base is not None and Warned(NOT_SENT, {}) not in self.warnings:
            self.warn(NOT_SENT)
        self.session.add(mail)
        self.session.flush()
        return mail

    def attach(self, mails: Iterable[Mail], file: mail_templates.Attachment) -> None:
        """Have a file go with mails of this action. :raises Refused: ``file_too_large``."""
        size = len(file.content)
        if size > LARGEST_FILE:
            raise Refused(
                "file_too_large", N_("%(name)s is too large to attach to an email."), name=file.name
            )
        values = {"content_type": file.content_type, "size": size, "content": file.content}
        self.session.add_all(MailAttachment(mail_id=mail.id, name=file.name, **values) for mail in mails)

    @property
    def channels(self) -> Channels:
        """Return the ids of the sales channels whose customers the actor sees; None for all (rule 17)."""
        return channels_in(self.session)

    @property
    def changeset_id(self) -> int:
        """Return the id of this action's changeset, writing it on first use."""
        return self.journal.changeset_id(self.session)

    def write_set(self, column: Any, old: int, new: int, ids: Sequence[int] | None = None) -> int:
        """Re-point a reference from ``old`` to ``new`` in every row at once, or in those of ``ids``, journalling each.

        :param column: a mapped attribute or a table's column. :return: the number of rows.
        """
        return self.journal.write_set(self.session, getattr(column, "expression", column), old, new, ids)

    def lock(self, model: type[Row], ids: Sequence[int], heirs: Iterable[int] = ()) -> list[Row]:
        """Return the rows locked for update, in id order whatever the order of ``ids``.

        What belongs to a customer is locked after that customer, so that no two actions wait for each other.

        :param heirs: ids of customers to whom the rows go, locked with those whom they belong to.
        :raises Missing: one of them does not exist, or is out of the actor's scope (rule 17.3).
        :raises Moved: in the moment of a merge, or when the row goes to another customer.
        """
        wanted = sorted(set(ids))
        owners = self._lock_owners(model, wanted, set(heirs))
        rows = self._locked(model, wanted)
        if owners is not None and any(row.customer_id not in owners for row in rows):  # type: ignore[attr-defined]
            raise Moved
        return rows

    def _lock_owners(self, model: type[Row], ids: list[int], heirs: set[int]) -> set[int | None] | None:
        owner = model.__table__.c.get("customer_id")
        if owner is None:
            return None
        found = set(self.session.scalars(select(owner).where(model.__table__.c.id.in_(ids)).distinct()))
        owners = found - {None}
        if not owners <= self.lock_there(Customer, owners | heirs).keys():
            raise Missing()
        return found

    def _locked(self, model: type[Row], wanted: list[int]) -> list[Row]:
        rows = list(self.lock_there(model, wanted).values())
        if len(rows) != len(wanted):
            raise Missing()
        return rows

    def lock_there(self, model: type[Row], ids: Iterable[int]) -> dict[int, Row]:
        """Return id -> row of those that exist and the actor sees, as they are by now, locked for update in id order.

        Whom they belong to is for the caller to lock first.
        """
        key, wanted = model.__mapper__.primary_key[0], sorted(set(ids))
        found: dict[int, Row] = {}
        for start in range(0, len(wanted), LOCKED_AT_ONCE):
            some = key.in_(wanted[start : start + LOCKED_AT_ONCE]), *seen(self.session, model)
            query = select(model).where(*some).order_by(key)
            held = query.with_for_update(
                of=model, key_share=model is Member
            )  # who is locked may still do actions
            fresh = held.execution_options(populate_existing=True)
            found |= {row.id: row for row in self.session.scalars(fresh).unique()}  # type: ignore[attr-defined]
        return found

    def lock_one(self, model: type[Row], row_id: int) -> Row:
        """Return one row locked for update. :raises Missing: it does not exist."""
        return self.lock(model, [row_id])[0]

    def set_subject(self, row: Base) -> None:
        """Name the record this action is about, for the Activity screen."""
        self.journal.subject = row


@dataclass(frozen=True, slots=True)
class Action:
    """A declared action. Calling it runs the function in the caller's context, which is how actions nest."""

    code: str
    model: type[Base]
    function: Callable[..., Outcome]
    label: str
    targeted: bool
    danger: bool = False
    """Whether a typed confirmation and a recent sign-in are asked for, in every channel."""
    final: bool = False
    """Whether it is never undone."""
    other_rows: str = ""
    """The parameter with ids of further rows of the model: all are locked in one statement, in the order of ids."""
    recent: bool = False
    """Whether a recent sign-in is asked for, in every channel, as for every dangerous one (rule 16.4)."""
    bulk_counts: BulkCounts | None = None
    """What tells how many rows it would change without trying it on each (actions/core/bulk_counts.py)."""
    code_param: str = ""
    """The parameter that is a secret code: only digests of it are kept, and wrong ones are counted (rule 2.15)."""
    harmless: bool = False
    """Whether it leaves its row as it is, so that the guard of the model (actions/core/row_guards.py) lets it pass."""
    mails: bool = False
    """Whether it writes to those it is about, which is told beforehand where nothing can be sent (rule 14.4)."""
    customers: Eligible | None = None
    """Which customers it is for (rule 11.8); None where it is about none."""
    portal: Portal | None = None
    """Who may do it in a customer's portal; None for nobody."""
    goes_to: str = ""
    """The parameter with the customer whom its row goes to: locked with its owner, in one statement."""

    @property
    def asks_reauth(self) -> bool:
        """Whether who asks must have proved who they are not long ago (rule 16.4)."""
        return self.danger or self.recent

    @property
    def resource(self) -> str:
        """The noun, which is also the permission's resource and the first part of every URL."""
        return self.code.split(".")[0]

    @property
    def verb(self) -> str:
        """The verb, which is also the permission's name."""
        return self.code.split(".")[1]

    def is_open_to(self, actor: Actor) -> bool:
        """Return whether it may be done in the portal that an actor is in; any may outside of it."""
        if actor.customer_id is None:
            return True
        return self.portal is Portal.LOGGED_IN_AS or (self.portal is Portal.CUSTOMER and actor.id is None)

    def named(self, parameters: Mapping[str, Any]) -> set[int]:
        """Return the ids of further rows that a call names; what is no id is left for the action to refuse."""
        given = parameters.get(self.other_rows) if self.other_rows else None
        return {i for i in given if type(i) is int and 0 < i < 2**63} if isinstance(given, list) else set()

    def heirs(self, parameters: Mapping[str, Any]) -> set[int]:
        """Return the id of the customer whom its row goes to; what is no id is left for the action to refuse."""
        given = parameters.get(self.goes_to) if self.goes_to else None
        return {given} if type(given) is int and 0 < given < 2**63 else set()

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the function's keyword parameters: exactly the fields of its form."""
        wanted = inspect.signature(self.function).parameters.values()
        return frozenset(p.name for p in wanted if p.kind is inspect.Parameter.KEYWORD_ONLY)

    def __call__(self, ctx: Context, *rows: Any, **kwargs: Any) -> Outcome:
        if self.targeted and not self.harmless:
            row_guards.look_at(ctx, self.model, rows[0])
        before, ctx.customers = ctx.customers, self.customers or EVERY_LIVE
        try:
            # What is for every live customer looks at that itself, when it is its turn.
            for row in rows if ctx.customers != EVERY_LIVE and self.model is Customer else ():
                ctx.customers.check(row)
            return self.function(ctx, *rows, **kwargs)
        finally:
            ctx.customers = before


ACTIONS: dict[str, Action] = {}


def action(
    code: str,
    model: type[Base],
    *,
    label: str,
    danger: bool = False,
    final: bool = False,
    other_rows: str = "",
    recent: bool = False,
    bulk_counts: BulkCounts | None = None,
    code_param: str = "",
    harmless: bool = False,
    mails: bool = False,
    customers: Eligible | None = None,
    portal: Portal | None = None,
    goes_to: str = "",
) -> Callable[[Callable[..., Outcome]], Action]:
    """Declare an action; what else there is to say of one are the fields of :class:`Action`.

    :param code: ``<resource>.<verb>``; the resource is what the model says it is called, mostly the table's name.
    :raises ValueError: the code is taken, or does not fit the model.
    """

    def declare(function: Callable[..., Outcome]) -> Action:
        if code in ACTIONS:
            raise ValueError(f"action {code} is declared twice")
        if code.count(".") != 1 or code.partition(".")[0] != model.resource_name():
            raise ValueError(f"action {code} must be named {model.resource_name()}.<verb>")
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        targeted = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) > 1
        declared = Action(
            code, model, function, label, targeted, danger, final, other_rows, recent, bulk_counts, code_param,
            harmless, mails, customers, portal, goes_to,
        )  # fmt: skip
        ACTIONS[code] = declared
        return declared

    return declare

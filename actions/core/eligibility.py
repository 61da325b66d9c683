"""Which customers an action is for: of which status, and whether switched off ones too (rule 11.8).

An action states it once, as ``customers=``, and it holds on every channel: the form and its buttons, many rows at once,
the API, the command line, jobs and the keys of programs. No action is for records that were merged away or erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_

from actions.core.refusals import Refused
from models.base import N_, Base
from models.choices import Status
from models.customer import Customer

Why = tuple[str, str]
"""A code and a sentence."""

MERGED: Why = "merged", N_("This customer was merged into another one. Use that one instead.")
ERASED: Why = "erased", N_("This customer's personal data was erased, so the record cannot be changed.")
WAITS: Why = (
    "waits_for_approval",
    N_("This trade account is awaiting approval. Approve or reject it first."),
)
NOT_WAITING: Why = "not_waiting", N_("This customer is not awaiting approval.")
GUEST: Why = "guest", N_("Guests do not earn points with orders. You can still add points manually.")
NO_ACCOUNT: Why = (
    "no_account",
    N_(
        "This customer has no account to sign in to. Send a password reset link first, with which they register."
    ),
)
REGISTERED: Why = "registered", N_("This customer is already registered.")
SWITCHED_OFF: Why = "switched_off", N_("This customer is inactive. Activate the customer first.")
REFUSED_STATUS = {
    Status.PENDING_APPROVAL: WAITS,
    Status.GUEST: GUEST,
    Status.REGISTERED: REGISTERED,
    Status.IN_STORE: NOT_WAITING,
}


@dataclass(frozen=True, slots=True)
class Eligible:
    """The statement: ``statuses`` that are allowed, and whether customers who are switched off are."""

    statuses: frozenset[Status] = frozenset(Status)
    switched_off: bool = True

    def why_not(self, customer: Customer) -> Why | None:
        """Return why an action is not for a customer; None where it is."""
        if customer.merged_into_id is not None:
            return MERGED
        if customer.anonymised_at is not None:
            return ERASED
        if self == EVERY_LIVE:
            return None  # a record that is about to be made has no status yet
        if customer.status not in self.statuses:
            return self._reason(customer.status)
        return None if customer.is_active or self.switched_off else SWITCHED_OFF

    def check(self, customer: Customer) -> None:
        """Refuse a customer that the action is not for. :raises Refused: with the code that says why."""
        if (why := self.why_not(customer)) is not None:
            raise Refused(*why)

    def reasons(self) -> Iterator[tuple[ColumnElement[bool], Why]]:
        """Yield (which customers, why they are refused), in the order of :meth:`why_not`."""
        yield Customer.merged_into_id.is_not(None), MERGED
        yield Customer.anonymised_at.is_not(None), ERASED
        refused: dict[Why, list[Status]] = {}
        for status in Status:
            if status not in self.statuses:
                refused.setdefault(self._reason(status), []).append(status)
        for why, statuses in refused.items():
            yield Customer.status.in_(statuses), why
        if not self.switched_off:
            yield Customer.is_active.is_(False), SWITCHED_OFF

    def clause(self) -> ColumnElement[bool]:
        """Return the condition of the customers it is for."""
        return and_(*(~refused for refused, _why in self.reasons()))

    def _reason(self, status: Status) -> Why:
        if self.statuses == {Status.REGISTERED} and status != Status.PENDING_APPROVAL:
            return NO_ACCOUNT
        return NOT_WAITING if self.statuses == {Status.PENDING_APPROVAL} else REFUSED_STATUS[status]


def _but(*statuses: Status, switched_off: bool) -> Eligible:
    return Eligible(_all_but(statuses), switched_off)


def _all_but(statuses: Iterable[Status]) -> frozenset[Status]:
    return frozenset(Status) - frozenset(statuses)


EVERY_LIVE = Eligible()
"""Any customer: money is always taken, and what was done is always put right."""
SETTLED = _but(Status.PENDING_APPROVAL, switched_off=True)
"""Customers who do not wait for approval."""
MAY_BUY = _but(Status.PENDING_APPROVAL, switched_off=False)
"""Customers who may order: neither waiting for approval nor switched off."""
MAY_EARN = _but(Status.PENDING_APPROVAL, Status.GUEST, switched_off=False)
"""Customers who may order and have an account to earn on."""
MAY_SIGN_IN = Eligible(frozenset({Status.REGISTERED}), switched_off=False)
"""Customers who have an account and may sign in to it."""
TO_INVITE = Eligible(frozenset({Status.GUEST, Status.IN_STORE}), switched_off=False)
"""Customers without an account, who may have one."""
WAITING = Eligible(frozenset({Status.PENDING_APPROVAL}))
"""Customers who wait for approval."""


def of_saves(model: type[Base]) -> Eligible | None:
    """Return the statement of a model's generated actions: any live customer can be noted, called and changed."""
    return EVERY_LIVE if model is Customer or "customer_id" in model.__table__.c else None

"""Gift cards: issued with a code that is told once, redeemed to an account, voided (rule 2.13)."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from actions.core.base import Context, Outcome, Refused, action
from actions.core.eligibility import MAY_BUY
from actions.core.outcome_groups import OutcomeGroup, refused
from actions.core.texts import day_text, money_text, required_text, today
from actions.customers.customer_reference import resolve_customer
from actions.ledgers.credit import post_credit
from actions.ledgers.ledger import positive
from models import places
from models.base import N_, Invalid
from models.codes import digest, normalised
from models.credit import CreditEntry, CreditKind
from models.gift_card import CardState, GiftCard

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is taken for something else when it is read aloud or typed: 0 and O, 1 and I."""
LENGTH, GROUP = 16, 4
SHORTEST, LONGEST = 8, 32
NO_SUCH_CODE = N_("No gift card has this code. Check each character against the card.")
REDEEMED = "card_redeemed", N_("This gift card has already been redeemed.")
VOIDED = "card_voided", N_("This gift card has been voided.")
EXPIRED = "card_expired", N_("This gift card expired. It could be redeemed until %(day)s.")
OTHER_CURRENCY = (
    "card_currency",
    N_("This gift card is in %(card)s, but the customer's account is in %(account)s."),
)


@action("gift_card.issue", GiftCard, label=N_("New gift card"), final=True, code_param="code")
def issue(
    ctx: Context,
    *,
    amount: int,
    currency: str | None = None,
    code: str | None = None,
    expires_on: dt.date | None = None,
) -> Outcome:
    """Issue a card. Without a code it gets one, which is told this once.

    :param amount: minor units, above zero. :param currency: the shop's when empty.
    :param expires_on: the last day it can be redeemed.
    :raises Invalid: a code that another card has, or that is none; a day that is over.
    """
    figure = positive("amount", amount)
    kept_in = places.currency("currency", currency or ctx.shop.currency)
    until = _last_day(ctx, expires_on)
    made = "" if code else "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    plain = _readable(code) if code else made
    card = GiftCard(
        code_key=digest(plain), last4=plain[-4:], amount=figure, currency=kept_in, expires_on=until
    )
    if ctx.session.scalar(select(GiftCard.id).filter_by(code_key=card.code_key)) is not None:
        raise Invalid({"code": N_("Another gift card already has this code.")})
    ctx.session.add(card)
    ctx.session.flush()
    shown = {"amount": money_text(ctx, figure, kept_in), "ending": card.last4}
    sentence = N_("Gift card for %(amount)s issued. Its code ends in %(ending)s.")
    return Outcome(sentence, card, shown, secret="-".join(_parts(made)))


def _parts(code: str) -> list[str]:
    return [code[start : start + GROUP] for start in range(0, len(code), GROUP)]


def _last_day(ctx: Context, expires_on: Any) -> dt.date | None:
    if expires_on is None:
        return None
    if type(expires_on) is not dt.date or expires_on < today(ctx):
        raise Invalid({"expires_on": N_("Choose today or a later day, or leave it blank.")})
    return expires_on


def _readable(code: Any) -> str:
    """Return a code as it is compared. :raises Invalid: it can be none."""
    found = normalised(code) if isinstance(code, str) else ""
    if not found.isascii() or not SHORTEST <= len(found) <= LONGEST:
        sentence = N_("A code has 8 to 32 letters and digits. Spaces and hyphens are ignored.")
        raise Invalid({"code": sentence})
    return found


def _count_voided(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    required_text("reason", values["reason"])
    return [
        refused(GiftCard.redeemed_entry_id.is_not(None), *REDEEMED),
        refused(GiftCard.voided_at.is_not(None), *VOIDED),
    ]


@action("gift_card.void", GiftCard, label=N_("Void"), bulk_counts=_count_voided)
def void(ctx: Context, card: GiftCard, *, reason: str) -> Outcome:
    """Make a card worthless that nobody has redeemed, because it was lost for example.

    :raises Refused: ``card_redeemed`` or ``card_voided``.
    """
    required_text("reason", reason)
    _refuse_unless_open(card)
    card.voided_at = ctx.now
    return Outcome(N_("Gift card ending in %(ending)s voided."), card, {"ending": card.last4})


def _refuse_unless_open(card: GiftCard) -> None:
    if card.state == CardState.REDEEMED:
        raise Refused(*REDEEMED)
    if card.state == CardState.VOIDED:
        raise Refused(*VOIDED)


@action(
    "credit_entry.redeem_code",
    CreditEntry,
    label=N_("Redeem gift card"),
    code_param="code",
    customers=MAY_BUY,
)
def redeem_code(ctx: Context, *, customer: int | str, code: str) -> Outcome:
    """Credit a gift card to an account, once: of two who redeem it at the same moment one succeeds (rule 2.13).

    :param customer: our id or a handle. :param code: as typed or scanned.
    :raises Invalid: no card has this code. :raises Refused: ``card_redeemed``, ``card_voided``, ``card_expired``,
        ``card_currency``.
    """
    plain = _readable(code)
    owner = resolve_customer(ctx, customer)
    wanted = select(GiftCard).filter_by(code_key=digest(plain)).with_for_update(of=GiftCard)
    card = ctx.session.scalar(wanted.execution_options(populate_existing=True))
    if card is None:
        raise Invalid({"code": NO_SUCH_CODE})
    _refuse_unless_open(card)
    if card.expires_on is not None and card.expires_on < today(ctx):
        raise Refused(*EXPIRED, day=day_text(ctx, card.expires_on))
    if card.currency != owner.currency:
        raise Refused(*OTHER_CURRENCY, card=card.currency, account=owner.currency)
    entry = post_credit(ctx, owner, CreditKind.GIFT_CARD, card.amount, "", ctx.key, code_last4=card.last4)
    card.redeemed_entry_id = entry.id
    values = {"amount": money_text(ctx, card.amount, card.currency), "customer": str(owner)}
    return Outcome(N_("%(amount)s from a gift card was credited to %(customer)s."), entry, values)

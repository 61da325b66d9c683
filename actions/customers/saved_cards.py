"""Saved cards: who has any has exactly one default, and the number of a card is never taken (rules 12.4, 12.5)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from actions.core.base import Context, Outcome, Portal, Refused, action
from actions.core.customer_guard import live_customer
from actions.core.eligibility import EVERY_LIVE
from actions.core.texts import today
from actions.customers.customer_owned import owner_of
from actions.customers.customer_reference import resolve_customer
from actions.customers.primary_flag import bequeath, claim
from actions.execution.portal_rows import open_in_portal
from actions.execution.records import (
    before_delete,
    before_save,
    record_actions,
    save_new,
    save_values,
)
from models.base import N_, Invalid
from models.normalise import trimmed
from models.saved_card import SavedCard, token_digest
from models.validate import no_card_number
from models.vault import Secret

PAST = N_("This month is over. Enter the expiry date as it is on the card.")
LONGEST_TOKEN = 500
NO_TOKEN = N_("Enter the payment provider's token of the card.")
DEFAULT = "default", N_("This card is already the default.")

open_in_portal(SavedCard, verbs=("delete",))
_CREATE, _EDIT, REMOVE = record_actions(SavedCard)


@before_save(SavedCard)
def keep_one_default(ctx: Context, row: SavedCard, changed: set[str], created: bool) -> None:
    """The first card becomes the default, a new default takes the place of the old; an expiry is not over yet."""
    owner_of(ctx, row, changed, created)
    if changed & {"expiry_month", "expiry_year"} and _has_expired(ctx, row):
        raise Invalid({"expiry_year": PAST})
    claim(ctx, row, always=True)


def _has_expired(ctx: Context, row: SavedCard) -> bool:
    return bool(row.expiry_month and row.expiry_year and row.has_expired(today(ctx)))


@before_delete(SavedCard)
def keep_a_default(ctx: Context, row: SavedCard) -> None:
    """Removing the default card makes the oldest that remains the default. No undo brings its token back."""
    live_customer(ctx, row.customer_id)
    bequeath(ctx, row)


@action("saved_card.store", SavedCard, label=N_("Save card"), customers=EVERY_LIVE)
def store(
    ctx: Context,
    *,
    customer: int | str,
    provider: str,
    token: str,
    brand: str,
    last_four: str,
    expiry_month: int,
    expiry_year: int,
    is_default: bool = False,
) -> Outcome:
    """Save a card that a payment provider has, or renew what is known of one that is saved already.

    :param customer: our id or a reference. :param token: the provider's, which no screen, file or journal ever shows.
    :raises Invalid: a field is wrong, or holds what looks like the number of a card.
    """
    clear = _checked_token(token)
    owner = resolve_customer(ctx, customer)
    given = {
        "provider": provider,
        "brand": brand,
        "last_four": last_four,
        "expiry_month": expiry_month,
        "expiry_year": expiry_year,
    }
    known = _known(ctx, owner.id, provider, clear)
    if is_default or known is None:
        given["is_default"] = is_default
    if known is None:
        known = SavedCard()
        key = token_digest(provider, clear) if isinstance(provider, str) else ""
        save_new(ctx, known, {"customer_id": owner.id, "token": Secret(clear), "token_key": key, **given})
    else:
        save_values(ctx, known, given)
    values = {"card": str(known), "customer": str(owner)}
    return Outcome(N_("%(card)s of %(customer)s was saved."), known, values)


def _checked_token(token: Any) -> str:
    """Return a token as it is. :raises Invalid: it is none, too long, or looks like the number of a card."""
    clear = trimmed(token)
    if not (0 < len(clear) <= LONGEST_TOKEN and clear.isascii() and clear.isprintable()):
        raise Invalid({"token": NO_TOKEN})
    return str(no_card_number("token", clear))


def _known(ctx: Context, customer_id: int, provider: Any, token: str) -> SavedCard | None:
    """Return the customer's card of that token, locked; None where it is new."""
    if not isinstance(provider, str):
        return None
    theirs = SavedCard.customer_id == customer_id, SavedCard.token_key == token_digest(provider, token)
    return ctx.session.scalar(select(SavedCard).where(*theirs))


@action(
    "saved_card.make_default",
    SavedCard,
    label=N_("Make default"),
    customers=EVERY_LIVE,
    portal=Portal.LOGGED_IN_AS,
)
def make_default(ctx: Context, card: SavedCard) -> Outcome:
    """Take the default mark from the customer's other cards. :raises Refused: ``default``."""
    if card.is_default:
        raise Refused(*DEFAULT)
    save_values(ctx, card, {"is_default": True})
    return Outcome(N_("%(card)s is now the default card."), card, {"card": str(card)})


@action(
    "saved_card.set_expiry",
    SavedCard,
    label=N_("Update expiry date"),
    customers=EVERY_LIVE,
    portal=Portal.LOGGED_IN_AS,
)
def set_expiry(ctx: Context, card: SavedCard, *, expiry_month: int, expiry_year: int) -> Outcome:
    """Write down until when a card is good that was renewed. :raises Invalid: no month, or one that is over."""
    save_values(ctx, card, {"expiry_month": expiry_month, "expiry_year": expiry_year})
    values = {"card": str(card), "month": card.expires}
    return Outcome(N_("%(card)s now expires %(month)s."), card, values)

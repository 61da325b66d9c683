"""A customer's saved cards: which is the default, until when each is good, and the way out of here for it."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import Regexp

from actions.customers import saved_cards
from models.saved_card import SavedCard
from portal import entry, inside
from portal.request import customer, perform
from web.request import session, today

blueprint = inside.pages("cards", "/cards")
CARD = f"/<{inside.ROW}:card_id>"
DIGITS = {"inputmode": "numeric", "autocomplete": "off"}


class ExpiryForm(entry.EntryForm):
    """The month a card is good until, as it stands on the card."""

    expiry_month = StringField(
        _l("Month"),
        [Regexp(r"(0?[1-9]|1[0-2])\Z", message=_l("Enter a month from 1 to 12."))],
        render_kw=DIGITS,
    )
    expiry_year = StringField(
        _l("Year"), [Regexp(r"20[0-9]{2}\Z", message=_l("Enter a year such as 2029."))], render_kw=DIGITS
    )


@blueprint.get("/")
def index() -> str:
    """List the cards, the default first."""
    mine = select(SavedCard).where(SavedCard.customer_id == customer().id)
    cards = session().scalars(mine.order_by(SavedCard.is_default.desc(), SavedCard.id)).all()
    return render_template("portal/cards.html", cards=cards, expiry=_expiry)


def _expiry(card: SavedCard) -> str:
    if card.has_expired(today()):
        return _("Expired %(month)s", month=card.expires)
    return _("Expires %(month)s", month=card.expires)


@blueprint.post(f"{CARD}/default/")
def make_default(card_id: int) -> Any:
    """Make a card the default; one that is already stays it."""
    back = url_for("cards.index")
    if inside.own(SavedCard, card_id).is_default:
        return redirect(back)
    return entry.done(perform(saved_cards.make_default, card_id), back)


@blueprint.route(f"{CARD}/expiry/", methods=("GET", "POST"))
def expiry(card_id: int) -> Any:
    """Ask until when a card is good, and write it down."""
    card = inside.own(SavedCard, card_id)
    words = {
        "title": _("Update expiry date"),
        "intro": str(card),
        "button": _("Save"),
        "back": url_for("cards.index"),
    }
    form = ExpiryForm(entry.sent())
    if not entry.is_sent():
        form.expiry_month.data, form.expiry_year.data = f"{card.expiry_month:02d}", str(card.expiry_year)
        form.opened()
        return entry.page(form, **words)
    return entry.send(form, lambda: _set_expiry(card_id, form), **words)


def _set_expiry(card_id: int, form: ExpiryForm) -> Any:
    values = {name: int(value) for name, value in form.values.items()}
    return perform(saved_cards.set_expiry, card_id, key=form.own_key, **values)


@blueprint.route(f"{CARD}/remove/", methods=("GET", "POST"))
def remove(card_id: int) -> Any:
    """Ask, and then forget a card for good."""
    card, back = inside.own(SavedCard, card_id), url_for("cards.index")
    if entry.is_sent():
        return entry.done(perform(saved_cards.REMOVE, card_id), back)
    question = _("Remove %(card)s? To use it again you have to save it again when you pay.", card=str(card))
    return entry.ask(title=_("Remove card"), question=question, button=_("Remove card"), back=back)

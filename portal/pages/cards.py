"""A customer's saved cards: which is the default, until when each is good, and the way out of here for it."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import Regexp

from actions.customers import saved_cards
from models.saved_card import SavedCard
from portal import forms, inside
from portal.forms import EditPage, Form
from portal.request import customer, perform
from web.request import session, today

blueprint = inside.pages("cards", "/cards")
ONE = f"/<{inside.ROW}:card_id>"
DIGITS = {"inputmode": "numeric", "autocomplete": "off"}


class ExpiryForm(Form):
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


@blueprint.post(f"{ONE}/default/")
def make_default(card_id: int) -> Any:
    """Make a card the default; one that is already stays it."""
    back = url_for("cards.index")
    if inside.own(SavedCard, card_id).is_default:
        return redirect(back)
    return inside.done(lambda: perform(saved_cards.make_default, card_id), _("Default card changed."), back)


@blueprint.get(f"{ONE}/expiry/")
def expiry(card_id: int) -> str:
    """Ask until when a card is good."""
    card = inside.own(SavedCard, card_id)
    form = ExpiryForm(expiry_month=f"{card.expiry_month:02d}", expiry_year=str(card.expiry_year))
    return _page(form, card).render()


@blueprint.post(f"{ONE}/expiry/")
def set_expiry(card_id: int) -> Any:
    """Write down until when a card is good."""
    card, form = inside.own(SavedCard, card_id), ExpiryForm(request.form)
    page = _page(form, card)
    if not form.validate():
        return page.render(), 422
    values: dict[str, Any] = {name: int(typed) for name, typed in form.data.items()}
    return forms.submit(
        page, lambda _v: perform(saved_cards.set_expiry, card_id, **values), page.back, _("Card saved.")
    )


@blueprint.get(f"{ONE}/delete/")
def ask_to_delete(card_id: int) -> str:
    """Ask first."""
    card = inside.own(SavedCard, card_id)
    what = [str(card), _("To use it again you have to save it again when you pay.")]
    return render_template(
        "portal/delete.html", title=_("Remove this card?"), what=what, back=url_for("cards.index")
    )


@blueprint.post(f"{ONE}/delete/")
def delete(card_id: int) -> Any:
    """Forget a card for good."""
    back = url_for("cards.index")
    return inside.done(lambda: perform(saved_cards.REMOVE, card_id), _("Card removed."), back)


def _page(form: Form, card: SavedCard) -> EditPage:
    return EditPage(
        title=_("Update expiry date"),
        form=form,
        submit=_("Save"),
        back=url_for("cards.index"),
        back_words=_("All cards"),
        more={"intro": str(card)},
    )

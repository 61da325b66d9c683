"""The watch note of a customer: a warning to everyone who sees the customer or dispatches their orders (feature 89)."""

from __future__ import annotations

from flask_babel import gettext as _

from admin.layout import formatters
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Badge, Event
from models.customer import Customer
from web.request import now, shop


def badges(customer: Customer) -> list[Badge]:
    """Return the badge that a line about a customer carries as long as the note stands."""
    return [Badge(_("Watch"), "red", "alert-triangle")] if customer.watch_note is not None else []


def warning(customer: Customer) -> Event | None:
    """Return the note as it stands over a record, with the way to it for users who may read notes."""
    note = customer.watch_note
    if note is None:
        return None
    url = registry().by_model[type(note)].line_url(note)
    return Event(note.body, formatters.moment(note.created_at, now(), shop()), note.author_name, url)

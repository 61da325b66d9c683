"""A customer's record besides its fields: what its head says, and the statement of the account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from markupsafe import Markup

from admin.layout import formatters
from admin.listing.columns import related_cell
from admin.reports import statements
from admin.screen.views import PERMISSION_OF
from admin.screen_spec.column_info import label_of
from admin.screens import accounting, merges, possible_duplicates, sent_links, watch
from admin.screens.customer_duplicates import CustomerDuplicates
from admin.viewmodels.pages import Badge, Event, Link, StatusLine
from models.customer import Customer
from models.masks import Masked
from web.arguments import parse_id

PERMISSION_OF |= {"statement_view": "show", "statement_pdf_view": "show"}  # and to list what is on accounts


def _email(row: Customer) -> Any:
    if not (row.email and row.email_verified_at):
        return row.email
    tick = Markup('{} <span class="verified" title="{}">✓<span class="visually-hidden">{}</span></span>')
    return tick.format(row.email, _("Verified"), _("verified"))


def _survivor(row: Customer) -> Markup:
    survivor = related_cell(row.merged_into)
    link = Markup('<a href="{}">{}</a>') if survivor.url else Markup("{1}")
    shown = link.format(survivor.url, survivor.html)
    return Markup("{} {}").format(_("This record was merged into"), shown)


def told_apart(row: Customer) -> str:
    """Return a customer's name, number, company, email or else phone, and postcode, less what is masked (rule 19)."""
    phone = row.primary_phone.number if row.primary_phone else None
    postcode = row.primary_address.postcode if row.primary_address else None
    company = row.company_name if row.company_name != row.full_name else None
    reached = next((text for text in (row.email, phone) if text and not isinstance(text, Masked)), None)
    further = (part for part in (company, reached, postcode) if part and not isinstance(part, Masked))
    return " · ".join((f"{row.full_name} #{row.id}", *further))


class CustomerRecord(CustomerDuplicates):
    """The part of the customer screen that is about one record."""

    def badges(self, row: Customer) -> Sequence[Badge]:
        """Say status and type, and what a person must know before they touch the record."""
        found = [
            Badge(label_of(row.status), formatters.COLOURS.get(row.status.value, "secondary")),
            Badge(label_of(row.account_type)),
        ]
        return found if row.is_active else [*found, Badge(_("Inactive"), "orange")]

    def subtitle(self, row: Customer) -> Sequence[Any]:
        """Company, email (with a tick once verified), phone and codes."""
        phone = row.primary_phone.number if row.primary_phone else None
        codes = [_("account code %(code)s", code=row.account_code)] if row.account_code else []
        codes += [_("card %(code)s", code=row.loyalty_code)] if row.loyalty_code else []
        return [row.company_name, _email(row), phone, *codes]

    def warning(self, row: Customer) -> Event | None:
        """Return the open watch note."""
        return watch.warning(row)

    def links(self, row: Customer) -> Sequence[Link]:
        """Lead to the statement of the account, and to the account that the accounting package keeps."""
        statement = (statements.link(self, row),) if statements.may_read() else ()
        return (*statement, *accounting.links(row))

    def status_lines(self, row: Customer) -> Sequence[StatusLine]:
        """Say whether the link to a password has gone out, and which records may be the same customer."""
        return (*possible_duplicates.lines(row), *sent_links.lines(self, row))

    def notice(self, row: Customer) -> Any:
        """Lead from a merged record to its survivor; say that an erased one is empty for good."""
        if row.merged_into_id is not None:
            return _survivor(row) + merges.way_apart(row)
        erased = _("This customer's personal data was erased on request. The record is kept without it.")
        return erased if row.anonymised_at else ""

    @expose("/statement/")
    def statement_view(self) -> Any:
        """Show the statement of the account, to be printed."""
        return statements.show(self, self.get_or_404(parse_id("id", request.args.get("id"))))

    @expose("/statement/pdf/")
    def statement_pdf_view(self) -> Any:
        """Download the statement of the account."""
        return statements.download(self, self.get_or_404(parse_id("id", request.args.get("id"))))

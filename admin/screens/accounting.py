"""What screens say where an accounting package keeps the balances: its name, when it was last heard, the way there."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from flask_babel import gettext as _

from actions.ledgers.accounting import last_fed
from admin.layout import formatters
from admin.viewmodels.pages import Cell, Fact, Link
from models.customer import Customer
from models.setting_checks import ACCOUNT_CODE
from web.request import memo, now, session, shop


def kept_here() -> bool:
    """Return whether payments and invoices are entered here, and not in an accounting package (rule 2.6)."""
    return not shop().external_accounting


def _address(owner: Customer) -> str:
    """Return where the package shows a customer's account; nothing where nobody could tell."""
    template, code = shop().accounting_url, owner.account_code
    if not template or not code:
        return ""
    return template.replace(ACCOUNT_CODE, quote(code, safe=""))


def facts(owner: Customer) -> Sequence[Fact]:
    """Return the figures over a customer's account: where it is kept, and when that was last heard of."""
    if kept_here():
        return ()
    heard = memo("last_fed", lambda: last_fed(session()))
    told = formatters.moment(heard, now(), shop()) if heard is not None else _("never")
    return (
        Fact(_("Accounting package"), Cell(shop().accounting_package, _address(owner) or None)),
        Fact(_("Last update"), Cell(told)),
    )


def links(owner: Customer) -> Sequence[Link]:
    """Return the way from a customer's menu to the account in the package."""
    address = _address(owner)
    if not address:
        return ()
    label = _("Open in %(package)s", package=shop().accounting_package)
    return (Link(label, address, "external-link"),)

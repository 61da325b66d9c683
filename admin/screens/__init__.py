"""The shipped screens, in the order of the menu. A screen is found in its module here; it is listed nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from admin.screen.base import Screen
from models.discovery import import_all

ORDER = (
    "customer", "duplicate", "address", "phone", "account_holder", "contact_email", "saved_card", "customer_class",
    "note",
    "loyalty_entry", "account_entry", "invoice",
    "credit_entry", "tasting_entry", "gift_card", "pair_decision", "duplicate_crowd", "merge", "sales_order",
    "order_line", "shipment", "external_id",
    "attribute_value", "owing", "mail", "changeset", "job", "run", "run_item", "membership_group",
    "acquisition_source", "price_list", "sales_channel", "payment_term", "bank_account", "attribute_definition",
    "staff", "role", "staff_group", "staff_session", "login_as", "api_key", "shop_setting",
)  # fmt: skip
"""The nouns of screens in the menu's order; one that is not named here follows, by its noun."""


def _of(module: ModuleType) -> Iterator[type[Screen]]:
    """Yield the screens that a module declares; what several of them share has no model of its own."""
    declared = (
        found for found in vars(module).values() if isinstance(found, type) and issubclass(found, Screen)
    )
    yield from (
        screen for screen in declared if screen.__module__ == module.__name__ and hasattr(screen, "model")
    )


def _place(screen: type[Screen]) -> tuple[int, str]:
    noun = screen.named()
    return (ORDER.index(noun) if noun in ORDER else len(ORDER)), noun


SCREENS: tuple[type[Screen], ...] = tuple(
    sorted((s for module in import_all(__name__, __path__) for s in _of(module)), key=_place)
)

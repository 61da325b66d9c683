"""Permissions: what exists, who holds what, and the roles a new shop starts with.

A permission is a pair in Flask-AppBuilder's tables: ``can_<verb>`` on a resource.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.masks import OWNER, REVEAL, groups
from models.staff import PREFIX

READ = ("list", "show")
SEE = "see_"
"""How permissions to see sensitive columns begin; the columns themselves declare them (rule 19)."""
WRITE = ("add", "edit")

_PEOPLE = ("customer", "phone", "address", "note", "attribute_value", "external_id")
_LEDGERS = ("loyalty_entry", "account_entry", "invoice", "credit_entry")
_OWING = ("owing",)
_ORDERS = ("sales_order", "order_line", "shipment")
_LISTS = (
    "customer_class", "membership_group", "acquisition_source", "price_list", "sales_channel", "payment_term",
    "bank_account", "attribute_definition",
)  # fmt: skip


def reads(permission: str) -> bool:
    """Return whether a permission lets its holder see something and do nothing."""
    return permission in READ or permission.startswith(SEE)


def grants(resources: Iterable[str], *verbs: str) -> set[tuple[str, str]]:
    """Return the permissions for every verb on every resource."""
    return {(PREFIX + verb, resource) for resource in resources for verb in verbs}


_EVERYTHING_READ = grants((*_PEOPLE, *_LEDGERS, *_OWING, *_LISTS, *_ORDERS), *READ)
_SERVICE = (
    grants(("customer", "phone", "address", "note", "attribute_value"), *WRITE)
    | grants(("note",), "done", "reopen")
    | grants(("customer",), "add_note", "change_class", "change_group", "verify")
    | grants(("address",), "make_primary")
    | grants(("changeset",), "undo")
    | grants(("run", "run_item"), *READ)
)
_SEEN = grants((OWNER,), *(SEE + group for group in groups()))
_STANDING = grants(("customer",), "activate", "deactivate")
_MAIL = grants(("mail",), *READ, "resend") | grants(("customer",), "send_statement")
_TRADE = grants(("customer",), "approve", "reject", "set_terms", "set_pay_on_account")
_BULK = grants(("customer", "address", "note"), "edit_fields")

SHIPPED_ROLES: dict[str, set[tuple[str, str]] | None] = {
    "Admin": None,
    "Manager": _EVERYTHING_READ
    | _SEEN
    | grants((OWNER,), REVEAL)
    | _SERVICE
    | _STANDING
    | _TRADE
    | _BULK
    | _MAIL
    | grants(("mail",), "export")
    | grants(("run",), "cancel", "undo")
    | grants(("job",), *READ, "run_now")
    | grants(_LISTS, "add", "edit", "delete", "export", "import")
    | grants(("customer", "phone", "address", "note", "attribute_value"), "import")
    | grants(("address", "note"), "delete")
    | grants((*_PEOPLE, *_LEDGERS, *_OWING, *_ORDERS), "export")
    | grants(("customer",), "merge")
    | grants(("changeset", "shop_setting"), *READ)
    | grants(("shop_setting",), "edit")
    | grants(("api_key",), *READ, "create", "revoke")
    | grants(("changeset",), "export")
    | grants(("loyalty_entry", "credit_entry"), "adjust", "reverse")
    | grants(("account_entry",), "pay", "refund", "void")
    | grants(("invoice",), "raise", "void"),
    "Back office": _EVERYTHING_READ
    | _SEEN
    | _SERVICE
    | _STANDING
    | _BULK
    | grants(("address", "note"), "delete")
    | grants(("customer", "address", *_ORDERS), "export")
    | grants(("customer", "address"), "import")
    | grants(("run",), "cancel", "undo")
    | grants(("loyalty_entry",), "adjust"),
    "Support": _EVERYTHING_READ
    | _SEEN
    | grants((OWNER,), REVEAL)
    | _SERVICE
    | _STANDING
    | _MAIL
    | grants(("loyalty_entry",), "adjust", "reverse"),
    "Finance": _EVERYTHING_READ
    | _SEEN
    | grants(("customer", *_LEDGERS, *_OWING, *_ORDERS), "export")
    | grants(("account_entry",), "pay", "refund", "void")
    | grants(("invoice",), "raise", "void")
    | grants(("credit_entry",), "adjust", "reverse")
    | grants(("customer",), "set_terms", "set_pay_on_account", "send_statement")
    | grants(("changeset",), *READ, "undo"),
    "Read-only": _EVERYTHING_READ,
}
"""Role name -> permissions it is created with; None is all of them. Created once, never rewritten."""

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

_CONTACTS = ("account_holder", "contact_email")
_PEOPLE = ("customer", "phone", "address", "note", "attribute_value", "external_id", "saved_card", *_CONTACTS)
_LEDGERS = ("loyalty_entry", "account_entry", "invoice", "credit_entry", "tasting_entry")
_CARDS = ("gift_card",)
_OWING = ("owing",)
_ORDERS = ("sales_order", "order_line", "shipment")
_DUPLICATES = ("duplicate", "pair_decision", "duplicate_crowd", "merge")
_LISTS = (
    "customer_class", "membership_group", "acquisition_source", "price_list", "sales_channel", "payment_term",
    "bank_account", "attribute_definition",
)  # fmt: skip

_RECORDS: dict[str, tuple[str, ...]] = {}
"""Further lists that service staff keep: noun -> the verbs of their actions there."""


def reads(permission: str) -> bool:
    """Return whether a permission lets its holder see something and do nothing."""
    return permission in READ or permission.startswith(SEE)


def grants(resources: Iterable[str], *verbs: str) -> set[tuple[str, str]]:
    """Return the permissions for every verb on every resource."""
    return {(PREFIX + verb, resource) for resource in resources for verb in verbs}


_EVERYTHING_READ = grants(
    (*_PEOPLE, *_LEDGERS, *_CARDS, *_OWING, *_DUPLICATES, *_LISTS, *_ORDERS, *_RECORDS), *READ
)
_SERVICE = (
    grants(("customer", "phone", "address", "note", "attribute_value", *_CONTACTS), *WRITE)
    | grants(_CONTACTS, "delete")
    | grants(("contact_email",), "confirm", "send_link")
    | grants(("saved_card",), "make_default", "set_expiry", "delete")
    | grants(("note",), "done", "reopen")
    | grants(
        ("customer",),
        "add_note",
        "change_class",
        "change_group",
        "set_loyalty_card",
        "verify",
        "add_in_store",
    )
    | grants(("tasting_entry",), "use", "reverse")
    | grants(("address",), "make_primary")
    | grants(("changeset",), "undo")
    | grants(("run", "run_item"), *READ)
    | grants(_RECORDS, *WRITE)
    | {pair for noun, verbs in _RECORDS.items() for pair in grants((noun,), *verbs)}
)
_SEEN = grants((OWNER,), *(SEE + group for group in groups()))
_STANDING = grants(("customer",), "activate", "deactivate", "send_reset", "invite")
_MAIL = grants(("mail",), *READ, "resend") | grants(("customer",), "send_statement")
_TRADE = grants(("customer",), "approve", "reject", "set_terms", "set_pay_on_account")
_LOG_IN_AS = grants(("customer",), "log_in_as") | grants(("login_as",), *READ)
_DECIDE = (
    grants(("duplicate",), "dismiss", "household")
    | grants(("pair_decision",), "reopen")
    | grants(("duplicate_crowd",), "dismiss", "reopen")
)
_BULK = grants(("customer", "address", "note"), "edit_fields")

_REDEEM = grants(("credit_entry",), "redeem_code")
_OWN_KEY = grants(("api_key",), *READ, "create", "revoke")

SHIPPED_ROLES: dict[str, set[tuple[str, str]] | None] = {
    "Admin": None,
    "Manager": _EVERYTHING_READ
    | _SEEN
    | grants((OWNER,), REVEAL)
    | _SERVICE
    | _STANDING
    | _LOG_IN_AS
    | grants(("customer",), "act_for")
    | grants(("login_as",), "end", "export", "allow_changes")
    | _TRADE
    | _BULK
    | _DECIDE
    | _MAIL
    | grants(("mail",), "export")
    | grants(("run",), "cancel", "undo")
    | grants(("job",), *READ, "run_now")
    | grants(_LISTS, "add", "edit", "delete", "export", "import")
    | grants(("customer", "phone", "address", "note", "attribute_value", *_CONTACTS), "import")
    | grants(("address", "note"), "delete")
    | grants((*_PEOPLE, *_LEDGERS, *_OWING, *_ORDERS, *_RECORDS), "export")
    | grants(_RECORDS, "delete", "import")
    | grants(("customer",), "merge")
    | grants(("merge",), "unmerge")
    | grants(("sales_order",), "move")
    | grants(("changeset", "shop_setting"), *READ)
    | grants(("shop_setting",), "edit")
    | _OWN_KEY
    | grants(("changeset",), "export")
    | _REDEEM
    | grants(_CARDS, "issue", "void", "export")
    | grants(("loyalty_entry", "credit_entry"), "adjust", "reverse")
    | grants(("account_entry",), "pay", "refund", "void")
    | grants(("invoice",), "raise", "void"),
    "Back office": _EVERYTHING_READ
    | _SEEN
    | _SERVICE
    | _STANDING
    | _BULK
    | _DECIDE
    | grants(("address", "note"), "delete")
    | grants(("customer", "address", *_ORDERS), "export")
    | grants(("customer", "address"), "import")
    | grants(("run",), "cancel", "undo")
    | _REDEEM
    | grants(("loyalty_entry",), "adjust"),
    "Support": _EVERYTHING_READ
    | _SEEN
    | grants((OWNER,), REVEAL)
    | _SERVICE
    | _STANDING
    | _LOG_IN_AS
    | grants(("login_as",), "end")
    | _MAIL
    | _REDEEM
    | grants(("loyalty_entry",), "adjust", "reverse"),
    "Finance": _EVERYTHING_READ
    | _SEEN
    | grants(("customer", *_LEDGERS, *_OWING, *_ORDERS), "export")
    | grants(("account_entry",), "pay", "refund", "void")
    | grants(("invoice",), "raise", "void")
    | grants(("credit_entry",), "adjust", "reverse")
    | _REDEEM
    | grants(_CARDS, "issue", "void", "export")
    | grants(("customer",), "set_terms", "set_pay_on_account", "send_statement")
    | grants(("changeset",), *READ, "undo"),
    "Read-only": _EVERYTHING_READ,
    "Shop": grants(("customer", *_LEDGERS, *_CARDS), *READ)
    | _OWN_KEY
    | _REDEEM
    | grants(("loyalty_entry",), "earn", "redeem", "correct_order", "cancel_order")
    | grants(("credit_entry",), "redeem", "correct_order", "cancel_order")
    | grants(("account_entry", "invoice"), "record", "void")
    | grants(("saved_card",), "store")
    | grants(("login_as",), "exchange")
    | grants(_CARDS, "issue"),
    "Accounting package": grants(("customer", "account_entry", "invoice"), *READ)
    | _OWN_KEY
    | grants(("account_entry",), "feed", "feed_void")
    | grants(("customer",), "set_terms"),
}
"""Role name -> permissions it is created with; None is all of them. Created once, never rewritten."""

"""The fixed lists of a customer. Their words are those of the glossary at the head of docs/rules.md."""

from __future__ import annotations

from models.base import N_
from models.types import Choice


class Status(Choice):
    """How a customer came to have a record, and whether they may sign in (feature 59)."""

    REGISTERED = "registered", N_("Registered")
    GUEST = "guest", N_("Guest")
    IN_STORE = "in_store", N_("In-store")
    PENDING_APPROVAL = "pending_approval", N_("Pending approval")


class AccountType(Choice):
    """Retail is the default; trade and agent are switched on by staff (features 44, 45)."""

    RETAIL = "retail", N_("Retail")
    TRADE = "trade", N_("Trade")
    AGENT = "agent", N_("Agent")


class CreatedVia(Choice):
    """The channel that a record came by (feature 14)."""

    BACK_OFFICE = "back_office", N_("Back office")
    ONLINE = "online", N_("Online")
    POS = "pos", N_("Point of sale")
    AMAZON = "amazon", N_("Amazon")
    EBAY = "ebay", N_("eBay")
    IMPORT = "import", N_("Import")
    API = "api", N_("API")
    DEMO = "demo", N_("Demo data")


class Gender(Choice):
    """As the customer states it; empty when they were not asked (feature 24)."""

    FEMALE = "female", N_("Female")
    MALE = "male", N_("Male")
    OTHER = "other", N_("Other")
    UNDISCLOSED = "undisclosed", N_("Prefers not to say")

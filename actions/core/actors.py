"""Who acts, and who may do so in a customer's portal."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from models.base import N_

NOT_IN_PORTAL = "not_in_portal", N_("This cannot be done in the customer's portal.")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a member of staff (``id`` is ab_user.id), or the product itself (``id`` None).

    :param customer_id: the customer whose portal it is done in: by themselves where ``id`` is None, else by a member of
        staff who is logged in as them. Nothing but what is theirs is reached then, and only by actions that say so.
    """

    id: int | None
    name: str
    customer_id: int | None = None


SYSTEM = Actor(None, "system")
CUSTOMER = "customer"
"""What a customer who acts is called in the journal, which keeps no name that an erasure would have to take out."""


class Portal(enum.Enum):
    """Who may do an action in a customer's portal: the customer alone, or staff logged in as them, too (rule 6.5)."""

    CUSTOMER = "customer"
    LOGGED_IN_AS = "logged_in_as"

"""What staff may do while they are logged in as a customer: look, and with changes turned on some more (rule 6.12)."""

from __future__ import annotations

from actions.core.base import Action, Portal
from actions.core.refusals import Refused
from actions.portal.login_as_standing import Standing
from models.base import N_


class CustomersOnly(Refused):
    """It is for the customer alone: password, email, consent, deletion (HTTP 403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__("customers_only", N_("This is not available while logged in as a customer."))


READ_ONLY = "read_only", N_("You are logged in as a customer, and can only look. Nothing was changed.")


def check(staff: Standing | None, action: Action) -> None:
    """Refuse what staff who are logged in as a customer may not do.

    :raises CustomersOnly: it is for the customer alone. :raises Refused: ``read_only``: changes are not turned on.
    """
    if staff is None:
        return
    if action.portal is not Portal.LOGGED_IN_AS:
        raise CustomersOnly
    check_changes(staff)


def check_changes(staff: Standing | None) -> None:
    """Refuse any change of staff who have not turned changes on. :raises Refused: ``read_only``."""
    if staff is not None and not staff.may_act:
        raise Refused(*READ_ONLY)

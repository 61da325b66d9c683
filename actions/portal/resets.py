"""Password reset and invitation: links that staff have sent, and that customers ask for themselves (rule 5)."""

from __future__ import annotations

from actions.core.base import Context, Outcome, action
from actions.core.eligibility import MAY_BUY
from actions.portal import links
from models.base import N_, Invalid
from models.customer import Customer
from models.mail import masked

NOT_TICKED = N_("Tick this once you have checked it. Otherwise do not send a link.")


@action(
    "customer.send_reset",
    Customer,
    label=N_("Send password reset"),
    final=True,
    mails=True,
    customers=MAY_BUY,
)
def send_reset(
    ctx: Context, customer: Customer, *, identity_checked: bool = False, mailbox_checked: bool = False
) -> Outcome:
    """Mail a customer a link to choose a password with, once the person acting has checked who asks (rule 5.3).

    A password is neither mailed nor shown, and nor is the link.

    :raises Invalid: something was not ticked. :raises Refused: ``no_email``, or why the action is not for them.
    :raises TooMany: three links to this customer within the hour, or thirty by this member of staff.
    """
    ticked = {"identity_checked": identity_checked, "mailbox_checked": mailbox_checked}
    if missing := {name: NOT_TICKED for name, given in ticked.items() if not given}:
        raise Invalid(missing)
    address = links.send(ctx, customer)
    return Outcome(
        N_("A password reset link will be sent to %(address)s."), customer, {"address": masked(address)}
    )

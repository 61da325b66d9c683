"""What staff are told when somebody applies for a trade account (rule 5.8)."""

from __future__ import annotations

from actions.core.base import Context
from actions.core.mail_templates import MailTemplate, declare
from models.base import N_
from models.customer import Customer

ENQUIRY = declare(
    MailTemplate(
        "trade_enquiry",
        N_("Staff: trade application"),
        N_("New trade application #%(number)s"),
        frozenset({"number"}),
    )
)


def send(ctx: Context, customer: Customer) -> None:
    """Mail the shop that a trade customer waits for approval, with a link to the record and nothing about the person.

    Where this is switched off, or there is no address, the list of those who wait for approval still has them.
    """
    to = ctx.shop.trade_enquiry_email or ctx.shop.email
    if ctx.shop.trade_enquiries and to:
        ctx.mail_to(ENQUIRY, to, number=str(customer.id))

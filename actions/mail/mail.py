"""Mail: sending one again, and what an undo does to the mails of an action (rules 9.3, 14.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import refuse_unless_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.mail_templates import Attachment, Paper
from actions.core.recipients import paper_of, recipients
from models import normalise
from models.base import N_
from models.customer import Customer
from models.journal import Changeset
from models.mail import Mail, MailState, masked
from models.member import Member

ONLY_ONCE = N_("This email held a single-use link. Create a new link instead.")


@action("mail.resend", Mail, label=N_("Send again"), customers=EVERY_LIVE)
def resend(ctx: Context, mail: Mail) -> Outcome:
    """Write the same mail again, to the address that the customer or member of staff has today.

    A copy goes where it went, if such papers still go there.

    :raises Refused: ``waiting``, ``withdrawn``, ``erased``, ``merged``, ``only_once`` for one that held a link for a
        single use, ``no_address``, or ``no_mail_server``.
    """
    if mail.state == MailState.WAITING:
        raise Refused("waiting", N_("This email is still waiting to be sent."))
    if mail.state == MailState.WITHDRAWN:
        raise Refused("withdrawn", N_("This email was withdrawn because the change it was about was undone."))
    address = _address(ctx, mail)
    if ctx.link_base is not None:
        raise Refused("no_mail_server", N_("No mail server is set up, so emails cannot be sent."))
    if mail.holds_secret:
        raise Refused("only_once", ONLY_ONCE)
    kept = ("customer_id", "staff_id", "template", "subject", "text_body", "html_body")
    written = {name: getattr(mail, name) for name in kept}
    sent = ctx.post(Mail(recipient=address, resend_of_id=mail.id, **written))
    for file in attachments_of(mail):
        ctx.attach([sent], file)
    mail.resent_at = ctx.now
    return Outcome(N_("Email to %(address)s will be sent again."), sent, {"address": masked(address)})


def attachments_of(mail: Mail) -> Iterator[Attachment]:
    """Yield the files that go with a mail, without what an erasure took."""
    for file in mail.attachments:
        if file.content is not None:
            yield Attachment(str(file), file.content_type, file.content)


def _address(ctx: Context, mail: Mail) -> str:
    """Return where a mail goes today; where it was written to nobody we know, the address it had."""
    if mail.customer is not None:
        refuse_unless_live(mail.customer)
    address = _of_customer(ctx, mail, mail.customer) if mail.customer is not None else mail.recipient
    if mail.staff_id is not None:
        address = ctx.session.get_one(Member, mail.staff_id).email
    if not address or mail.text_body is None:
        raise Refused("no_address", N_("No email address to send this to."))
    return address


def _of_customer(ctx: Context, mail: Mail, customer: Customer) -> str | None:
    """Return where a mail to a customer goes today: where it went, or else the first that gets such papers."""
    paper = Paper.OWN if mail.holds_secret else paper_of(mail.template)
    there = recipients(ctx.session, customer, paper)
    return next(
        (to for to in there if normalise.email(to) == mail.recipient_key), there[0] if there else None
    )


def take_back(ctx: Context, changeset: Changeset) -> int:
    """Withdraw the mails of an action that is undone, as far as they have not gone out; return how many.

    Where it is an undo that is undone, the action holds again, and so its mails go out after all, save those with a
    link that works once: what was secret in a mail is forgotten when it is withdrawn, as whenever nobody is to send
    it.
    """
    origin, holds_again = changeset, False
    while origin.undoes_id is not None:
        origin, holds_again = ctx.session.get_one(Changeset, origin.undoes_id), not holds_again
    wanted = select(Mail).where(Mail.changeset_id == origin.id).order_by(Mail.id)
    mails = ctx.session.scalars(
        wanted.with_for_update(of=Mail).execution_options(populate_existing=True)
    ).all()
    return _send_after_all(ctx, mails) if holds_again else _withdraw(ctx, mails)


def _withdraw(ctx: Context, mails: Sequence[Mail]) -> int:
    open_ = [mail for mail in mails if mail.state in (MailState.WAITING, MailState.WITHHELD)]
    held = [mail for mail in open_ if mail.lease_until is not None and mail.lease_until >= ctx.now]
    gone = len(held) + sum(mail.state == MailState.SENT for mail in mails)
    if gone == 1:
        ctx.warn(N_("An email about this has already been sent."))
    elif gone:
        ctx.warn(N_("%(count)s emails about this have already been sent."), count=gone)
    back = [mail for mail in open_ if mail not in held]
    for mail in back:
        mail.state, mail.next_attempt_at, mail.secret = MailState.WITHDRAWN, None, None
        if mail.resend_of is not None:
            mail.resend_of.resent_at = None
    if back:
        ctx.warn(N_("The email about this has not been sent and will not be."))
    ctx.session.flush()
    return len(back)


def _send_after_all(ctx: Context, mails: Sequence[Mail]) -> int:
    withdrawn = [mail for mail in mails if mail.state == MailState.WITHDRAWN and mail.recipient]
    again = [mail for mail in withdrawn if not mail.holds_secret]
    if len(again) < len(withdrawn):
        ctx.warn(ONLY_ONCE)
    for mail in again:
        mail.state, mail.next_attempt_at = MailState.WAITING, ctx.now
        if mail.resend_of is not None:
            mail.resend_of.resent_at = ctx.now
    ctx.session.flush()
    return len(again)

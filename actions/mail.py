"""Mail: sending one again, and what an undo does to the mails of a deed (rules 9.3, 14.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from actions.base import Context, Outcome, Refused, action
from actions.ledger import refuse_unless_live
from actions.letters import Enclosure, address_of
from models.base import N_
from models.journal import Changeset
from models.mail import Mail, MailState, masked
from models.member import Member


@action("mail.resend", Mail, label=N_("Send again"))
def resend(ctx: Context, mail: Mail) -> Outcome:
    """Write the same mail anew, to the address that the customer or member of staff has today.

    :raises Refused: ``waiting``, ``withdrawn``, ``erased``, ``merged``, ``only_once`` for one that held a link for a
        single use, or ``no_address``.
    """
    if mail.state == MailState.WAITING:
        raise Refused("waiting", N_("This email is still waiting to be sent."))
    if mail.state == MailState.WITHDRAWN:
        raise Refused("withdrawn", N_("This email was withdrawn, because what it tells of was undone."))
    address = _address(ctx, mail)
    if mail.holds_secret:
        raise Refused(
            "only_once", N_("This email held a link that works once. Make a new one where it came from.")
        )
    kept = ("customer_id", "staff_id", "template", "subject", "text_body", "html_body")
    written = {name: getattr(mail, name) for name in kept}
    sent = ctx.post(Mail(recipient=address, resend_of_id=mail.id, **written))
    for file in enclosed(mail):
        ctx.enclose(sent, file)
    mail.resent_at = ctx.now
    return Outcome(N_("The email goes to %(address)s again."), sent, {"address": masked(address)})


def enclosed(mail: Mail) -> Iterator[Enclosure]:
    """Yield the files that go with a mail, without what an erasure took."""
    for file in mail.attachments:
        if file.content is not None:
            yield Enclosure(str(file), file.content_type, file.content)


def _address(ctx: Context, mail: Mail) -> str:
    """Return where a mail goes today; where it was written to nobody we know, the address it had."""
    if mail.customer is not None:
        refuse_unless_live(mail.customer)
    address = address_of(mail.customer) if mail.customer is not None else mail.recipient
    if mail.staff_id is not None:
        address = ctx.session.get_one(Member, mail.staff_id).email
    if not address or mail.text_body is None:
        raise Refused("no_address", N_("There is no email address to send this to."))
    return address


def take_back(ctx: Context, changeset: Changeset) -> int:
    """Withdraw the mails of a deed that is undone, as far as they have not gone out; return how many.

    Where it is an undo that is undone, the deed holds again, and so its mails go out after all.
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
        ctx.warn(N_("An email about this has already gone out."))
    elif gone:
        ctx.warn(N_("%(count)s emails about this have already gone out."), count=gone)
    back = [mail for mail in open_ if mail not in held]
    for mail in back:
        mail.state, mail.next_attempt_at = MailState.WITHDRAWN, None
        if mail.resend_of is not None:
            mail.resend_of.resent_at = None
    if back:
        ctx.warn(N_("The email about this has not gone out yet, and will not."))
    ctx.session.flush()
    return len(back)


def _send_after_all(ctx: Context, mails: Sequence[Mail]) -> int:
    again = [mail for mail in mails if mail.state == MailState.WITHDRAWN and mail.recipient]
    for mail in again:
        mail.state, mail.next_attempt_at = MailState.WAITING, ctx.now
        if mail.resend_of is not None:
            mail.resend_of.resent_at = ctx.now
    ctx.session.flush()
    return len(again)

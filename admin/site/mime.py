"""A mail as it travels: headers that every reader takes apart alike, and bodies in short plain lines (rule 14.8).

Python's newer policies fold what is encoded at places where words are lost, and Flask-Mail encodes a name twice. So the
message is put together here, by the older classes of the standard library, which do neither.
"""

from __future__ import annotations

import datetime as dt
from email import charset
from email.encoders import encode_base64
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr

from email_validator import EmailNotValidError, validate_email

from actions.core.mail_templates import Attachment, one_line
from actions.mail.outbox import Envelope

ON_THE_WIRE = compat32.clone(linesep="\r\n")
_UTF8 = charset.Charset("utf-8")
_UTF8.body_encoding = charset.QP


def address(written: str) -> str:
    """Return an address as a mail server takes it: its domain in ASCII, by the rules of today (IDNA 2008).

    :raises EmailNotValidError: it is none.
    """
    found = validate_email(written, check_deliverability=False, strict=True)
    return f"{found.local_part}@{found.ascii_domain}"


def is_address(written: str) -> bool:
    """Return whether there is a way to write an address for a mail server."""
    try:
        return bool(address(written))
    except EmailNotValidError:
        return False


def compose(envelope: Envelope, sender: str) -> Message:
    """Return a mail from the shop, whose own address gets the answers. ``sender`` is an address in ASCII."""
    made = MIMEMultipart(policy=ON_THE_WIRE)
    made["Subject"] = _words("Subject", envelope.subject)  # type: ignore[assignment]
    made["From"] = _named(envelope.shop, sender)
    made["To"] = _as_it_is(address(envelope.recipient))
    if envelope.reply_to:
        made["Reply-To"] = _as_it_is(address(envelope.reply_to))
    made["Date"] = format_datetime(envelope.at.astimezone(dt.UTC))
    made["Message-ID"] = f"<{envelope.message_id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.attach(_texts(envelope))
    for file in envelope.attachments:
        made.attach(_file(file))
    return made


def _words(name: str, text: str) -> str | Header:
    """Return the value of a header; what is not plain, or would be taken for encoded, is encoded."""
    text = one_line(text)
    return text if _is_plain(text) else Header(text, "utf-8", header_name=name)


def _named(person: str, at: str) -> str:
    """Return an address with whose it is. What is encoded is one word, however long: Python's own reader puts a blank
    between two of them where a name is meant.
    """
    person = one_line(person)
    return formataddr((person, at)) if _is_plain(person) else f"{_UTF8.header_encode(person)} <{at}>"


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def _as_it_is(text: str) -> str:
    """Return what stands in a header by its bytes: letters beyond ASCII, for a server that says it takes them."""
    return text.encode().decode("ascii", "surrogateescape")


def _texts(envelope: Envelope) -> MIMEMultipart:
    found = MIMEMultipart("alternative", policy=ON_THE_WIRE)
    for text, kind in ((envelope.text, "plain"), (envelope.html, "html")):
        found.attach(MIMEText(text, kind, _UTF8, policy=ON_THE_WIRE))  # type: ignore[arg-type]
    return found


def _file(file: Attachment) -> MIMEBase:
    found = MIMEBase(*file.content_type.split("/", 1), policy=ON_THE_WIRE)
    found.set_payload(file.content)
    encode_base64(found)
    name = one_line(file.name)
    found.add_header(
        "Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name)
    )
    return found

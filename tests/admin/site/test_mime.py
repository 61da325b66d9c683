"""A mail as it travels: what three readers that share no code make of it is what was meant (rule 14.8)."""

import base64
import datetime as dt
import quopri
import re
import subprocess
import sys
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actions.core.mail_templates import Attachment, one_line
from actions.mail.outbox import Envelope
from admin.site import mime

SENDER = "desk@shop.example"
WRITTEN = Envelope(
    "abc", "zoe@example.com", "Hello", "Dear Zoë,\n", "<p>Dear Zoë,</p>\n", "Vine", None,
    dt.datetime(2026, 9, 14, 10, 30, tzinfo=dt.UTC),
)  # fmt: skip
MAIL_TEMPLATES = "abc XYZ áéîõüßœŁşŽ,;:<>\"'()[]@.\\=?_-&/日本ع🍷"
texts = (st.text(MAIL_TEMPLATES, min_size=1, max_size=140) | st.text(min_size=1, max_size=140)).map(one_line)
names = texts.filter(bool).map(lambda text: text[:120].strip()).filter(str.isprintable)
_ENCODED = re.compile(r"=\?([^?]+)\?([bqBQ])\?([^?]*)\?=")


def sent(envelope: Envelope = WRITTEN, **values: object) -> bytes:
    """A mail as it goes over the wire, with some of it changed."""
    kept = {name: getattr(envelope, name) for name in Envelope.__slots__}
    return mime.compose(Envelope(**{**kept, **values}), SENDER).as_bytes()


def by_hand(value: bytes) -> str:
    """A header by RFC 2047 alone: lines joined, blanks between what is encoded dropped, then each decoded."""
    line = re.sub(r"\r\n(?=[ \t])", "", value.decode()).strip()
    line = re.sub(r"(\?=)[ \t]+(?==\?)", r"\1", line)

    def decoded(found: re.Match[str]) -> str:
        charset, how, text = found.groups()
        if how in "bB":
            return base64.b64decode(text).decode(charset)
        return quopri.decodestring(text.encode(), header=True).decode(charset)

    return _ENCODED.sub(decoded, line)


def raw(mail: bytes, name: str) -> bytes:
    """A header as it is written."""
    found = re.search(rb"^" + name.encode() + rb": ((?:.|\r\n[ \t])*)\r\n", mail, re.MULTILINE)
    assert found is not None
    return found[1]


def unquoted(text: str) -> str:
    """A name without the quotes that keep its commas in."""
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


@settings(max_examples=30)
@given(texts.filter(bool))
@example("Zahlungserinnerung für Café & Söhne, 12. März: bitte prüfen – danke")
@example("=?utf-8?q?x?= is what was typed")
@example("é" * 250)
@example("🍷 " * 60 + "x")
def test_a_subject_arrives_in_the_words_it_was_written_in(subject: str) -> None:
    mail = sent(subject=subject)
    assert message_from_bytes(mail, policy=default)["Subject"] == subject
    assert str(make_header(decode_header(message_from_bytes(mail)["Subject"]))) == subject
    assert by_hand(raw(mail, "Subject")) == subject


@settings(max_examples=30)
@given(names)
@example("Café & Co")
@example("Vine, Barrel, Söhne")
@example('Vine, "Barrel" & Sons (Ltd); <x@y.com>')
@example("=?utf-8?q?x?=")
@example(
    "Weingut Müller-Überlingen, Gebrüder Schäfer & Söhne Nachfolger GmbH & Co. KG, Niederlassung Österreich"
)
def test_the_shop_is_called_by_its_name_by_one_name_and_by_nothing_else(name: str) -> None:
    mail = sent(shop=name)
    (address,) = message_from_bytes(mail, policy=default)["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, SENDER)
    called, at = parseaddr(message_from_bytes(mail)["From"])
    assert (str(make_header(decode_header(called))), at) == (name, SENDER)
    line = by_hand(raw(mail, "From"))
    assert line.endswith(f" <{SENDER}>")
    encoded = b"=?utf-8?" in raw(mail, "From") and line.removesuffix(f" <{SENDER}>") == name
    assert encoded or unquoted(line.removesuffix(f" <{SENDER}>")) == name


@settings(max_examples=30)
@given(st.text(MAIL_TEMPLATES + "\n", max_size=1200), names)
def test_no_line_is_longer_than_a_server_takes_and_all_is_plain(text: str, name: str) -> None:
    mail = sent(text=text, html=text * 2, shop=name, subject=name)
    assert mail.isascii()
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.replace(b"\r\n", b"")
    plain = message_from_bytes(mail, policy=default).get_body(("plain",))
    assert isinstance(plain, EmailMessage)
    assert plain["Content-Transfer-Encoding"] == "quoted-printable"
    assert plain.get_content().replace("\r\n", "\n").rstrip("\r\n") == text.rstrip("\n")


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("max@straße.de", "max@xn--strae-oqa.de"),
        ("max@faß.de", "max@xn--fa-hia.de"),
        ("max@bücher.example", "max@xn--bcher-kva.example"),
        ("max@βόλος.com", "max@xn--nxasmm1c.com"),
        ("zoë@straße.de", "zoë@xn--strae-oqa.de"),
    ],
)
def test_a_domain_is_asked_for_by_the_name_it_is_registered_under(written: str, wire: str) -> None:
    assert mime.address(written) == wire
    assert raw(sent(recipient=written), "To").decode() == wire
    assert raw(sent(reply_to=written), "Reply-To").decode() == wire


def test_a_file_keeps_its_name_and_content() -> None:
    mail = sent(attachments=(Attachment("Kontoauszug März.pdf", "application/pdf", b"%PDF-\xff\n"),))
    (file,) = message_from_bytes(mail, policy=default).iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Kontoauszug März.pdf", b"%PDF-\xff\n")
    assert file.get_content_type() == "application/pdf"


def test_the_way_out_leaves_every_other_text_of_the_process_as_python_writes_it() -> None:
    asked = (
        "import admin.site.mailing; from email.mime.text import MIMEText;"
        "print(MIMEText('ü', 'plain', 'utf-8')['Content-Transfer-Encoding'])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "base64"


def test_the_date_and_the_id_are_those_of_the_outbox() -> None:
    mail: Message = message_from_bytes(sent())
    assert mail["Date"] == "Mon, 14 Sep 2026 10:30:00 +0000"
    assert mail["Message-ID"] == "<abc@shop.example>"
    assert mail["Reply-To"] is None

#!/usr/bin/env bash
#
# Python 3.11 (seen on 3.11.7), email.policy.SMTP: folding long headers changes the blanks in names and subjects.
# Needs no package; says so and ends with 0 on another minor version of Python.
#
# One would guess: the newer interface (EmailMessage with policy.SMTP or policy.default) writes a name or a subject so
#   that it comes back as it was, and surely when the same interface reads it.
# What it does: two things. A subject of several words beyond ASCII can lose a blank where the line is folded: the blank
#   is written between two encoded words, where RFC 2047 (6.2) has readers drop it, so it is gone for every reader. And
#   a display name that is folded inside a word is written rightly, but read with a blank too many: the reader does
#   not join encoded words in an address. The older interface (compat32, with Header and formataddr) writes both so that
#   both interfaces read them rightly.
# Why a back office cares: customers see their names and firms misspelt in mails, and what is read from a mailbox does
#   not match the customer it came from. It depends on the length of the text, so a test with one short name passes.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv --without-pip "$tmp/venv"

"$tmp/venv/bin/python" -I - <<'PYTHON'
import sys
from email import message_from_bytes, policy
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.mime.text import MIMEText
from email.utils import formataddr

if sys.version_info[:2] != (3, 11):
    print("Skipped: this describes Python 3.11, and this is", sys.version.split()[0])
    sys.exit(0)

SUBJECT = "Rechnung für Gärtnerei Grünwald & Söhne, fällig am Dienstag: bitte prüfen"
LOST = SUBJECT.replace("Söhne, fällig", "Söhne,fällig")
NAME = "Jürgen Müller-Lüdenscheid Söhne Groß Überall"
ADDED = NAME.replace("Überall", "Üb erall")
ADDRESS = "juergen@example.com"


def new():
    """The mail as the newer interface writes it."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["Subject"] = SUBJECT
    mail["To"] = Address(NAME, addr_spec=ADDRESS)
    mail.set_content("Hello")
    return mail.as_bytes()


def old():
    """The mail as the older interface writes it."""
    mail = MIMEText("Hello")
    mail["Subject"] = Header(SUBJECT, "utf-8")
    mail["To"] = formataddr((NAME, ADDRESS))
    return mail.as_bytes()


def read_new(raw):
    """Subject and name as the newer interface reads them."""
    mail = message_from_bytes(raw, policy=policy.SMTP)
    return str(mail["Subject"]), mail["To"].addresses[0].display_name


def read_old(raw):
    """Subject and name as the older interface reads them."""
    mail = message_from_bytes(raw)
    subject, to = (str(make_header(decode_header(mail[name]))) for name in ("Subject", "To"))
    return subject, to.removesuffix(f" <{ADDRESS}>")


seen = {
    "written new, read new": read_new(new()),
    "written new, read old": read_old(new()),
    "written old, read new": read_new(old()),
    "written old, read old": read_old(old()),
}
for way, (subject, name) in seen.items():
    print(f"{way}:\n  {subject}\n  {name}")
right = (SUBJECT, NAME)
same = list(seen.values()) == [(LOST, ADDED), (LOST, NAME), right, right]
sys.exit(0 if same else "No longer as described.")
PYTHON

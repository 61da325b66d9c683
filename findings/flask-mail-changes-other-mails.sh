#!/usr/bin/env bash
#
# Flask-Mail 0.10.0: to import it changes how mails are encoded that have nothing to do with it.
#
# One would guess: a library that is only imported, and asked nothing, leaves the mails alone that other code of the
#   process puts together from the standard library.
# What it does: on import it enters "utf-8" anew in the registry of email.charset, which is one for the whole process,
#   without an encoding for bodies. From then on MIMEText(…, "utf-8") makes bodies of 8 bits instead of base64.
# Why a back office cares: base64 has short lines and is plain ASCII, so it passes every server. The body of 8 bits goes
#   out as it is, in lines beyond the 998 characters that RFC 5322 (2.1.1) allows if the text has them, and smtplib does
#   not ask whether the server takes 8 bits. Whether a mail is one or the other depends on what was imported first, so a
#   job that sends in a process of its own behaves unlike the web server. Say the encoding oneself, or use EmailMessage.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet "Flask-Mail==0.10.0" "Flask==3.1.3" || exit 2

"$tmp/venv/bin/python" -I - <<'PYTHON'
import importlib
import sys
from email.message import EmailMessage
from email.mime.text import MIMEText

TEXT = "Grüße! " + "A long paragraph without a break. " * 50


def look(mail):
    """How the body is encoded, and its longest line in bytes."""
    return mail["Content-Transfer-Encoding"], max(map(len, mail.as_bytes().splitlines()))


def modern():
    """The same text by the interface that does not ask the registry."""
    mail = EmailMessage()
    mail.set_content(TEXT)
    return mail


before, modern_before = look(MIMEText(TEXT, "plain", "utf-8")), look(modern())
importlib.import_module("flask_mail")
after, modern_after = look(MIMEText(TEXT, "plain", "utf-8")), look(modern())
print("MIMEText before the import:", before)
print("MIMEText after it:", after)
print("EmailMessage before and after:", modern_before, modern_after)
same = before == ("base64", 76) and after[0] == "8bit" and after[1] > 998 and modern_before == modern_after
sys.exit(0 if same else "No longer as described.")
PYTHON

#!/usr/bin/env bash
#
# Werkzeug 3.1.9: the best match among languages is one that a browser likes less, where it asks for a region.
#
# One would guess: of pages in English and German, "de-CH, en;q=0.5" gets German: Swiss German is wished for most, and
#   German is what there is of it.
# What it does: request.accept_languages.best_match(["en", "de"]) gives English. Tags that are there exactly are looked for
#   first, whatever their quality; the language without its region counts only where nothing is there exactly. With "de-CH"
#   alone, or "de-CH, de;q=0.9, en;q=0.5", it gives German.
# Why a back office cares: a customers' portal would speak English to everybody whose browser sends a region and English
#   as the second choice, and nobody who tests with "de" sees it. Guides to Flask-Babel show this very call as a locale
#   selector. Go through the wishes in their order, and take the first of which there is the tag or its language.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet werkzeug==3.1.9 || exit 2

cat > "$tmp/look.py" <<'PYTHON'
import sys

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

ASKED = ("de-CH, en;q=0.5", "de-CH", "de-CH, de;q=0.9, en;q=0.5")
seen = [parse_accept_header(wish, LanguageAccept).best_match(["en", "de"]) for wish in ASKED]
for wish, language in zip(ASKED, seen):
    print(f"{wish}: {language}")
sys.exit(0 if seen == ["en", "de", "de"] else "No longer as described.")
PYTHON

"$tmp/venv/bin/python" -I "$tmp/look.py"

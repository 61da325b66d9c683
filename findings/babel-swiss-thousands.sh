#!/usr/bin/env bash
#
# Babel 2.19.0: from a million on, Swiss figures lose the signs between their thousands.
#
# One would guess: 1000000 is 1'000'000 in Switzerland and Liechtenstein, as 1000 is 1'000.
# What it does: the signs vanish in pairs. A million, with two, has none left; a thousand million, with three, comes as
#   1000000'000. The data of this release group by the plain apostrophe (those of 2.18.0 by U+2019, in French by a
#   narrow blank), which is also the quotation mark of number patterns; NumberPattern.apply takes quotation marks out of
#   the finished text, figures and all, instead of out of the pattern.
# Why a back office cares: 1000000'000.00 on a statement is easily misread, seven digits in a row are hard to check, and
#   a test with amounts below a million sees nothing.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet "Babel==2.19.0" || exit 2

"$tmp/venv/bin/python" -I - <<'PYTHON'
import sys

from babel.numbers import format_currency, format_decimal, get_group_symbol

PLACES = ("de_CH", "de_LI", "fr_CH", "it_CH", "en_CH")
SAID = {10**3: "1'000", 10**6: "1000000", 10**9: "1000000'000", 10**12: "1000000000000"}

same = True
for place in PLACES:
    seen = {number: format_decimal(number, locale=place) for number in SAID}
    print(f"{place}: between thousands {get_group_symbol(place)}, yet", ", ".join(seen.values()))
    same = same and seen == SAID
price = format_currency(10**9, "CHF", locale="de_CH").replace("\xa0", " ")
print("a price in de_CH:", price)
print("the same number in de_DE:", format_decimal(10**9, locale="de_DE"))
same = same and price == "CHF 1000000'000.00"
sys.exit(0 if same else "No longer as described.")
PYTHON

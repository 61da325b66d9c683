#!/usr/bin/env bash
#
# Babel 2.18.0 and 2.19.0: how many decimals a currency has depends on the release.
#
# One would guess: get_currency_precision says how many decimals ISO 4217 gives a currency, which does not change
#   between two minor releases of a library for formatting.
# What it does: forint, Colombian peso and rupiah go from 2 decimals to 0 (ISO 4217: 2), the Serbian dinar from 0 to 2
#   (ISO 4217: 2), the Iraqi dinar has 0 in both (ISO 4217: 3). The figures are CLDR's, which follow usage and not the
#   standard. Which currencies are tender changes along: for one and the same day in 2026 only the older release
#   counts the Bulgarian lev.
# Why a back office cares: who keeps amounts as whole minor units and asks Babel how many those are, shows every amount
#   in forint a hundred times too large after an upgrade; who lists currencies by territory loses one that old orders
#   are in. Keep a table of one's own, and let Babel only format.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
python="$tmp/venv/bin/python"

for release in 2.18.0 2.19.0; do
    "$python" -m pip install --quiet "Babel==$release" || exit 2
    "$python" -I - "$tmp/$release" <<'PYTHON'
import datetime
import json
import sys
from decimal import Decimal

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision, get_territory_currencies

DAY = datetime.date(2026, 7, 1)
tender = {code for place in get_global("territory_currencies") for code in get_territory_currencies(place, DAY, DAY)}
stored = Decimal(1_250_000)  # 12,500.00 forint in minor units of ISO 4217
seen = {
    "decimals": {code: get_currency_precision(code) for code in ("HUF", "COP", "IDR", "RSD", "IQD")},
    "shown": format_currency(stored / 10 ** get_currency_precision("HUF"), "HUF", locale="en").replace("\xa0", ""),
    "lev": "BGN" in tender,
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(seen, file)
PYTHON
done

"$python" -I - "$tmp" <<'PYTHON'
import json
import pathlib
import sys

SAID = {
    "2.18.0": {
        "decimals": {"HUF": 2, "COP": 2, "IDR": 2, "RSD": 0, "IQD": 0},
        "shown": "HUF12,500.00",
        "lev": True,
    },
    "2.19.0": {
        "decimals": {"HUF": 0, "COP": 0, "IDR": 0, "RSD": 2, "IQD": 0},
        "shown": "HUF1,250,000",
        "lev": False,
    },
}
seen = {release: json.loads(pathlib.Path(sys.argv[1], release).read_text(encoding="utf-8")) for release in SAID}
for release, what in seen.items():
    print(f"Babel {release}: decimals {what['decimals']}")
    print(f"  1250000 minor units of forint are shown as {what['shown']}")
    print(f"  the lev is tender somewhere on 1 July 2026: {what['lev']}")
sys.exit(0 if seen == SAID else "No longer as described.")
PYTHON

#!/usr/bin/env bash
#
# SQLite 3.40.1 (that of Debian 12 and its Python): grouping by a column costs the search for a few rows.
#
# One would guess: where an index leads straight to the rows of a range, as few as there are, these are read and then put
#   into groups; grouping by the column or by the column plus nothing is the same.
# What it does: as long as ANALYZE has not run, it reads another index from end to end, because that one has the groups in
#   their order, and looks at every row of it for the range. Grouped by "customer + 0" it goes straight to the rows, and it
#   does so in either form once ANALYZE has run. SQLite 3.54.1 needs neither.
# Why a back office cares: "what of all this is due?" mostly finds nothing and is asked by every page; it takes as long as
#   the whole table is large, on one machine and not on the next. (Of a larger schema the same was seen after ANALYZE, too.)

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for version in 3.40.1.0 3.54.1.0; do
  python3 -m venv "$tmp/$version"
  "$tmp/$version/bin/python" -m pip install --quiet "apsw==$version" || exit 2
done

cat > "$tmp/look.py" <<'PYTHON'
import sys

import apsw

SCHEMA = """
CREATE TABLE lot (id INTEGER PRIMARY KEY, customer INT NOT NULL, expires TEXT, unspent INT NOT NULL);
CREATE INDEX by_expiry ON lot (expires, customer, id) WHERE unspent > 0 AND expires IS NOT NULL;
CREATE INDEX by_customer ON lot (customer, expires, unspent) WHERE unspent > 0;
"""
QUERY = """
SELECT {0}, SUM(unspent) FROM lot WHERE unspent > 0 AND expires IS NOT NULL AND expires <= '2026-11-30' GROUP BY {0}
"""
LOTS = [(n // 3, f"2027-{1 + n % 12:02}-{1 + n % 28:02}", 0 if n % 3 == 0 else 5) for n in range(90_000)]


def plans(shop):
    """How the two forms are read: from end to end, or by a search."""
    found = []
    for group in ("customer", "customer + 0"):
        steps = [row[3] for row in shop.execute("EXPLAIN QUERY PLAN " + QUERY.format(group))]
        print(f"  GROUP BY {group}: {steps[0]}")
        found.append(steps[0].partition(" ")[0])
    return found


shop = apsw.Connection(":memory:")
for statement in SCHEMA.split(";"):
    shop.execute(statement)
shop.execute("BEGIN")
shop.executemany("INSERT INTO lot (customer, expires, unspent) VALUES (?, ?, ?)", LOTS)
shop.execute("COMMIT")
print("SQLite", apsw.sqlitelibversion() if hasattr(apsw, "sqlitelibversion") else apsw.sqlite_lib_version())
before = plans(shop)
shop.execute("ANALYZE")
print(" after ANALYZE")
after = plans(shop)
sys.exit(0 if (before[0], before[1], *after) == (sys.argv[1], "SEARCH", "SEARCH", "SEARCH") else "No longer as described.")
PYTHON

"$tmp/3.40.1.0/bin/python" -I "$tmp/look.py" SCAN
"$tmp/3.54.1.0/bin/python" -I "$tmp/look.py" SEARCH

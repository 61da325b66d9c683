#!/usr/bin/env bash
#
# openpyxl 3.1.5: with data_only=True, a formula whose value is not in the file looks like an empty cell.
#
# One would guess: data_only gives the value of a formula, and where the file has none, something that says so: the
#   formula, an error, or at least a data type other than that of an empty cell.
# What it does: value None and data type "n", exactly like a cell that was left empty, in both ways of reading.
#   Workbooks written by programs, openpyxl among them, have no values until a spreadsheet has calculated and saved
#   them.
# Why a back office cares: an import that takes empty for "clear this field" wipes the field of every row whose cell
#   holds a formula. To know better, read the file a second time without data_only, or look for formulas oneself.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet "openpyxl==3.1.5" || exit 2

"$tmp/venv/bin/python" -I - "$tmp/customers.xlsx" <<'PYTHON'
import sys

from openpyxl import Workbook, load_workbook

file = sys.argv[1]
book = Workbook()
book.active.append(["Anna", None, '=A1&" & Co."', "last"])
book.save(file)


def look(**how):
    """The empty cell and the formula, as they come."""
    row = next(load_workbook(file, **how).active.iter_rows())
    return [(cell.value, cell.data_type) for cell in row[1:3]]


same = True
for streamed in (False, True):
    empty, formula = look(data_only=True, read_only=streamed)
    print(f"data_only=True, read_only={streamed}: the empty cell is {empty}, the formula {formula}")
    same = same and empty == formula == (None, "n")
empty, formula = look()
print(f"data_only=False: the empty cell is {empty}, the formula {formula}")
same = same and (empty, formula) == ((None, "n"), ('=A1&" & Co."', "f"))
sys.exit(0 if same else "No longer as described.")
PYTHON

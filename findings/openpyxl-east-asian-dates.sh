#!/usr/bin/env bash
#
# openpyxl 3.1.5: dates in the built-in formats of Chinese, Japanese and Korean spreadsheets come as numbers.
#
# One would guess: a cell with one of the file format's built-in date formats is read as a date, whatever country's
#   spreadsheet wrote it; the short date, number 14, is.
# What it does: of the numbers that ECMA-376 (part 1, 18.8.30) assigns, those of East Asian dates and times, 27 to 36
#   and 50 to 58, are not in openpyxl's table. They count as "General", and 31 March 2026 comes as 46112.
#   There is no warning.
# Why a back office cares: an import reads the date of birth of a customer in Tokyo as a whole number, and where it goes
#   into a text field, as "46112", nobody is told. The number of the format can still be had from the cell's style.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet "openpyxl==3.1.5" || exit 2

"$tmp/venv/bin/python" -I - <<'PYTHON'
import datetime
import io
import sys
import zipfile

from openpyxl import Workbook, load_workbook

DAY = datetime.datetime(2026, 3, 31)
NUMBERS = (*range(27, 37), *range(50, 59))


def book_with(number):
    """A workbook with the day in the built-in format of that number."""
    book, plain, made = Workbook(), io.BytesIO(), io.BytesIO()
    book.active["A1"] = DAY
    book.active["A1"].number_format = "mm-dd-yy"  # openpyxl's name for number 14
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'numFmtId="14"', b'numFmtId="%d"' % number))
    return made


def look(number):
    """What is read."""
    cell = load_workbook(book_with(number)).active["A1"]
    return cell.value, cell.number_format, cell.is_date


print("format 14:", look(14))
seen = {number: look(number) for number in NUMBERS}
for number, what in seen.items():
    print(f"format {number}:", what)
same = look(14) == (DAY, "mm-dd-yy", True) and set(seen.values()) == {(46112, "General", False)}
sys.exit(0 if same else "No longer as described.")
PYTHON

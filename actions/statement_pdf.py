"""A statement as a PDF: A4, text that can be selected, a heading on each page (rule 2.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from actions.ageing import BUCKETS
from actions.letters import ROOT, one_line
from actions.statement_words import (
    ADDRESSED,
    AGEING,
    CLOSING,
    CODE,
    EARLIER_CURRENCY,
    HEADINGS,
    LATE,
    NOTHING,
    OPENING,
    PAGE,
    TITLE,
    Words,
    reference,
)
from actions.statements import Part, Statement
from models.shop import Shop

FONTS = Path(ROOT) / "templates" / "fonts"
FAMILY = "Inter"
MARGIN = 18
"""Millimetres, like all that follows."""
WIDTHS = (23, 29, 42, 23, 23, 34)
"""Of the columns; together the width between the margins."""
GAP = 2
"""Left free at the end of a column."""
LINE = 4.6
PADDING = 0.9
ADDRESS_TOP = 50
"""Where the address shows in the window of an envelope."""
GREY, RULE, BLACK = (85, 85, 85), (200, 200, 200), (20, 20, 20)
Row = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Printed:
    """A statement and what stands around it. ``address`` is who it is for and where they are, a line each."""

    statement: Statement
    shop: Shop
    address: Sequence[str]
    account_code: str | None
    words: Words
    at: dt.datetime


def render(printed: Printed) -> bytes:
    """Return the PDF."""
    page = _Page(printed)
    page.head()
    for part in printed.statement.parts:
        page.part(part)
    page.ageing()
    return bytes(page.output())


class _Page(FPDF):
    """The sheet: every page has the shop's name and its number at the foot."""

    def __init__(self, printed: Printed) -> None:
        super().__init__(format="A4")
        self.printed, self.words = printed, printed.words
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(False)
        self.add_font(FAMILY, "", FONTS / "Inter-Regular.ttf")
        self.add_font(FAMILY, "B", FONTS / "Inter-SemiBold.ttf")
        self._describe()
        self.alias_nb_pages("{number of pages}")
        self.add_page()

    def _describe(self) -> None:
        self.set_title(f"{self.words.say(TITLE)} · {self.words.period(self.printed.statement)}")
        self.set_author(one_line(self.printed.shop.name))
        self.set_lang(self.words.lang)
        self.set_creation_date(self.printed.at)

    def footer(self) -> None:
        """Print the shop's name and the page's number."""
        self.set_y(-14)
        self._ink(8, colour=GREY)
        numbers = self.words.say(PAGE) % {"page": self.page_no(), "pages": self.str_alias_nb_pages}
        self.cell(sum(WIDTHS) / 2, LINE, numbers)
        self.cell(sum(WIDTHS) / 2, LINE, one_line(self.printed.shop.name), align=Align.R)

    # -- the head of the first page ---------------------------------------------------------------------------------

    def head(self) -> None:
        """Print who writes, who it is for, and what it is."""
        shop, found = self.printed.shop, self.printed.statement
        self._ink(13, bold=True)
        self._line(one_line(shop.name), 7)
        self._ink(9, colour=GREY)
        self._line(shop.email or "")
        self.set_y(ADDRESS_TOP)
        self._ink(10)
        for line in self.printed.address:
            self._line(one_line(line), 5)
        self.set_y(max(self.get_y() + 8, ADDRESS_TOP + 40))
        self._ink(15, bold=True)
        self._line(self.words.say(TITLE), 8)
        self._ink(9, colour=GREY)
        self._line(" · ".join((self.words.period(found), *self._numbers())))
        self.ln(4)

    def _numbers(self) -> Sequence[str]:
        code = self.printed.account_code
        number = self.words.say(ADDRESSED) % {"number": f"#{self.printed.statement.customer_id}"}
        return (number, self.words.say(CODE) % {"code": code}) if code else (number,)

    # -- the entries ------------------------------------------------------------------------------------------------

    def part(self, part: Part) -> None:
        """Print the entries in one currency, with how the account stood before and after them."""
        if part is not self.printed.statement.parts[0]:
            self._title(self.words.say(EARLIER_CURRENCY) % {"currency": part.currency})
        self._headings()
        self._balance(OPENING, part.opening, part)
        for line in part.lines:
            figures = (self._amount(line.debit, part), self._amount(line.credit, part))
            what = self.words.day(line.value_date), self.words.entry(line), one_line(reference(line))
            self._row((*what, *figures, self.words.balance(line.balance, part.currency)))
        if not part.lines:
            self._row(("", self.words.say(NOTHING), "", "", "", ""), merged=True)
        sums = self._amount(part.debits, part), self._amount(part.credits, part)
        self._balance(CLOSING, part.closing, part, *sums)
        self.ln(5)

    def _amount(self, amount: int, part: Part) -> str:
        return self.words.money(amount, part.currency) if amount else ""

    def _headings(self) -> None:
        self._ink(8, bold=True, colour=GREY)
        self._cells([[self.words.say(text)] for text in HEADINGS])
        self._rule()

    def _balance(self, label: str, amount: int, part: Part, debit: str = "", credit: str = "") -> None:
        """Print the opening or closing balance."""
        found = self.printed.statement
        day = self.words.day(found.since if label == OPENING else found.until)
        row = day, self.words.say(label), "", debit, credit, self.words.balance(amount, part.currency)
        self._row(row, bold=True, merged=True)

    def _row(self, row: Row, *, bold: bool = False, merged: bool = False) -> None:
        """Print one line of the table, on a new page under its headings where there is no room for it.

        :param merged: its text may run on over the column of references.
        """
        self._ink(8.5, bold=bold)
        cells = [
            [text] if merged else self._wrapped(text, width) for text, width in zip(row, WIDTHS, strict=True)
        ]
        if self.get_y() + max(map(len, cells)) * LINE + 2 * PADDING > self.h - MARGIN:
            self.add_page()
            self._headings()
            self._ink(8.5, bold=bold)
        self._cells(cells, merged=merged)
        self._rule()

    def _wrapped(self, text: str, width: float) -> list[str]:
        """Return the lines that a text takes in a column."""
        if self.get_string_width(text) <= width - GAP:
            return [text]
        found: Any = self.multi_cell(width - GAP, LINE, text, dry_run=True, output=MethodReturnValue.LINES)
        return list(found)

    def _cells(self, cells: Sequence[Sequence[str]], *, merged: bool = False) -> None:
        top, left = self.get_y() + PADDING, float(MARGIN)
        for number, (lines, width) in enumerate(zip(cells, WIDTHS, strict=True)):
            room = WIDTHS[1] + WIDTHS[2] if merged and number == 1 else width
            for place, line in enumerate(lines):
                self.set_xy(left, top + place * LINE)
                self.cell(room, LINE, line, align=Align.R if number > 2 else Align.L)
            left += width
        self.set_xy(MARGIN, top + max(map(len, cells)) * LINE + PADDING)

    # -- what is owed -------------------------------------------------------------------------------------------------

    def ageing(self) -> None:
        """Print what is owed by how late it is, where anything is."""
        found = self.printed.statement
        if not found.owed.total:
            return
        if self.get_y() + 5 * LINE > self.h - MARGIN:
            self.add_page()
        self._title(self.words.say(AGEING))
        width = sum(WIDTHS) / len(LATE)
        amounts = [self.words.money(getattr(found.owed, name), found.currency) for name in BUCKETS]
        for texts, bold in ((tuple(self.words.say(text) for text in LATE), False), (amounts, True)):
            self._ink(8.5, bold=bold, colour=BLACK if bold else GREY)
            for text in texts:
                self.cell(width, LINE + 1, text, align=Align.R)
            self.ln(LINE + 1)

    # -- the pen ------------------------------------------------------------------------------------------------------

    def _title(self, text: str) -> None:
        self._ink(9.5, bold=True)
        self._line(text, 7)

    def _line(self, text: str, height: float = LINE) -> None:
        self.cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _ink(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = BLACK) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _rule(self) -> None:
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.get_y(), MARGIN + sum(WIDTHS), self.get_y())

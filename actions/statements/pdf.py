"""A statement as a PDF: A4, text that can be selected, a heading on each page (rule 2.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from actions.core.mail_templates import one_line
from actions.core.refusals import Refused
from actions.ledgers.ageing import BUCKETS
from actions.statements import glyphs
from actions.statements.statements import Addressee, Part, Statement
from actions.statements.wording import (
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
from models.base import N_
from models.shop import Shop

FAMILY = next(iter(glyphs.FAMILIES))
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
PAGES = "{number  of pages}"
"""Stands for a number until all pages are there. What anybody typed has no two blanks in a row."""
ADDRESS = "the address"
UNPRINTABLE = (
    "unprintable",
    N_(
        "This statement cannot be created as a PDF because our fonts lack %(what)s. Print the page in "
        "your browser or save it as a PDF from there."
    ),
)


@dataclass(frozen=True, slots=True)
class Printed:
    """A statement and what stands around it."""

    statement: Statement
    shop: Shop
    addressee: Addressee
    account_code: str | None
    words: Words
    at: dt.datetime


def refuse_unprintable(printed: Printed, *, address_told: bool = False) -> None:
    """Refuse what our fonts cannot show: nothing is ever missing from the paper unsaid.

    :param address_told: name the letters of the address too: it is masked for the person reading this.
    :raises Refused: ``unprintable``, with the letters and where they are.
    """
    found = {
        where: letters for where, text in _typed(printed).items() if (letters := glyphs.lacking(text)) != ""
    }
    if ADDRESS in found and not address_told:
        found[ADDRESS] = "some letters"
    if found:
        raise Refused(*UNPRINTABLE, what="; ".join(f"{what} in {where}" for where, what in found.items()))


def _typed(printed: Printed) -> dict[str, str]:
    """Return where it stands -> all that anybody typed there."""
    lines = [line for part in printed.statement.parts for line in part.lines]
    found = {
        "the shop's name": [printed.shop.name],
        "the shop's email": [printed.shop.email or ""],
        "the customer's name": printed.addressee.names,
        ADDRESS: printed.addressee.lines,
        "the account code": [printed.account_code or ""],
        "the references": list(map(reference, lines)),
    }
    return {where: one_line("\n".join(texts)) for where, texts in found.items()}


def render(printed: Printed) -> bytes:
    """Return the PDF. :raises Refused: as :func:`refuse_unprintable`."""
    refuse_unprintable(printed, address_told=True)
    page = _Page(printed)
    page.head()
    for part in printed.statement.parts:
        page.part(part)
    page.ageing()
    content = bytes(page.output())
    if missing := page.missing():  # pragma: no cover - our own words, days and amounts are all in the fonts
        raise ValueError(f"no font of ours has {missing}")
    return content


def _seen(text: str) -> str:
    return one_line(glyphs.shown(text))


class _OnPaper(Words):
    """Words that write a currency by its code where no font of ours has its sign."""

    def money(self, amount: int, currency: str) -> str:
        """Return an amount of minor units, such as £12.50."""
        text = super().money(amount, currency)
        return text.replace(sign, currency) if (sign := glyphs.lacking(text)) else text


class _Page(FPDF):
    """The sheet: every page has the shop's name and its number at the foot."""

    def __init__(self, printed: Printed) -> None:
        super().__init__(format="A4")
        spoken = printed.words
        self.printed, self.words = printed, _OnPaper(spoken.say, spoken.locale, spoken.lang)
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(False)
        self._load("".join(_typed(printed).values()))
        self._describe()
        self.alias_nb_pages(PAGES)
        self.add_page()

    def _load(self, text: str) -> None:
        """Load the fonts that a text needs: each takes some time."""
        needed = glyphs.families(text)
        for family in needed:
            for style, file in glyphs.FAMILIES[family].items():
                self.add_font(family, style, glyphs.FONTS / file)
        self.set_fallback_fonts(needed[1:])

    def missing(self) -> str:
        """Return the letters that no font had so far."""
        return "".join(
            chr(code)
            for font in self.fonts.values()
            if isinstance(font, TTFFont)
            for code in font.missing_glyphs
        )

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
        name = self._shortened(_seen(self.printed.shop.name), sum(WIDTHS) / 2)
        self.cell(sum(WIDTHS) / 2, LINE, name, align=Align.R)

    def _shortened(self, text: str, room: float) -> str:
        """Return a text cut to its room; the head of the first page has the whole."""
        if self.get_string_width(text) <= room:
            return text
        while self.get_string_width(f"{text}…") > room:
            text = text[:-1]
        return f"{text.rstrip()}…"

    # -- the head of the first page ---------------------------------------------------------------------------------

    def head(self) -> None:
        """Print who writes, who it is for, and what it is."""
        shop, found = self.printed.shop, self.printed.statement
        self._ink(13, bold=True)
        self._line(_seen(shop.name), 7)
        self._ink(9, colour=GREY)
        self._line(_seen(shop.email or ""))
        self.set_y(max(self.get_y() + 2, ADDRESS_TOP))
        self._ink(10)
        for line in self.printed.addressee:
            self._line(_seen(line), 5)
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
            what = self.words.day(line.value_date), self.words.entry(line), _seen(reference(line))
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
        """Print a text, below itself where it is longer than the sheet is wide."""
        for line in self._wrapped(text, sum(WIDTHS) + GAP):
            self.cell(0, height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _ink(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = BLACK) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _rule(self) -> None:
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.get_y(), MARGIN + sum(WIDTHS), self.get_y())

"""What a column says of itself to every screen, where its name, its type and its search key do not: part of ``info``.

A screen may say otherwise in ``column_labels``, ``column_formatters`` and ``column_sort_expressions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Info = dict[Any, Any]
NumberStyle = Literal["plain", "movement", "unless_zero", "ungrouped"]
"""How a figure is printed: ``movement`` with its sign, ``unless_zero`` not at all at 0, ``ungrouped`` as a year is."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a column or a relation says of itself."""

    heading: str = ""
    shown_by: str = ""
    sorted_by: tuple[str, ...] = ()
    plus: str = ""
    minus: str = ""
    number_style: NumberStyle = "plain"


def heading(words: str) -> Info:
    """Return the part of ``info`` that gives a column another heading than its name: marked by ``N_``."""
    return {"heading": words}


def shown_by(attribute: str) -> Info:
    """Return the part of ``info`` that has a relation shown by an attribute of what it names, without a link."""
    return {"shown_by": attribute}


def sorted_by(*names: str) -> Info:
    """Return the part of ``info`` that has lists sorted by other columns; by its search key is understood."""
    return {"sorted_by": names}


def sign_in_words(plus: str, minus: str) -> Info:
    """Return the part of ``info`` that has an amount's sign said in words marked by ``N_``, never shown (rule 2.2)."""
    return {"plus": plus, "minus": minus}


def number_style(how: NumberStyle) -> Info:
    """Return the part of ``info`` that says how a figure is printed."""
    return {"number_style": how}


def presentation(info: Info) -> Presentation:
    """Return what ``info`` says of a column's looks."""
    return Presentation(**{name: info[name] for name in Presentation.__slots__ if name in info})


PLAIN = Presentation()
"""What a column says that leaves it all to its name and its type."""

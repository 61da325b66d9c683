"""What other points and another threshold would make of the pairs of duplicates there are (rule 7.13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel.numbers import format_decimal
from flask_babel import gettext as _

from actions.duplicates import scoring
from admin.request.context import allowed
from admin.screen_spec.registry import registry
from models.base import Invalid
from models.duplicate import DuplicatePair
from models.evidence import Scoring
from models.shop import SETTINGS, WEIGHT_SETTINGS
from web.request import session, shop


def lines(values: Mapping[str, Any]) -> Sequence[str]:
    """Say how many undecided pairs would be likely the same, to users who list them; nothing where none would change.

    :param values: the setting codes of the threshold and of every kind of evidence, with what is typed.
    """
    wanted = _scoring(values)
    if wanted is None or wanted == shop().duplicate_scoring or not allowed("list", "duplicate"):
        return ()
    pairs = registry().screens["duplicate"].base_select(many=True).where(DuplicatePair.is_open)
    now, then = scoring.likely(session(), pairs, (shop().duplicate_scoring, wanted))
    if now == then:
        return (
            _(
                "Of the pairs found so far, as many would be likely the same as now: %(now)s.",
                now=_shown(now),
            ),
        )
    said = _("Of the pairs found so far, %(then)s would be likely the same instead of %(now)s.")
    return (said % {"then": _shown(then), "now": _shown(now)},)


def _shown(count: int) -> str:
    return format_decimal(count, locale=shop().locale)


def _scoring(values: Mapping[str, Any]) -> Scoring | None:
    """Return what is typed; None where some of it will not do, which the form says once it is saved."""
    try:
        found = {code: SETTINGS[code].check(code, value) for code, value in values.items()}
    except Invalid:
        return None
    return Scoring(tuple(found[code] for code in WEIGHT_SETTINGS), found["duplicate_threshold"])

"""What the Activity list can be narrowed to: every action and every kind of record, by their names."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString

from actions.core.base import ACTIONS
from actions.staff.security_events import EVENTS
from admin.history import activity
from admin.screen_spec.registry import registry
from models.renamed_codes import current
from models.types import Choice


def action_choices() -> type[Choice]:
    """Return every change that may stand in the journal, by its code, named as the journal names it."""
    screens = registry().screens.values()
    saves = {
        action.code for screen in screens if screen.model.__journal__ for action in screen.record_actions
    }
    codes = sorted(
        saves | set(ACTIONS) | set(EVENTS),
        key=lambda code: (code.partition(".")[0], activity.action_label(code)),
    )
    return _choices(
        "ActionCode", {code: LazyString(activity.action_label, code) for code in codes}, _ActionChoice
    )


def noun_choices() -> type[Choice]:
    """Return every kind of record that a change may be about, by its table."""
    screens = sorted(registry().screens.values(), key=lambda screen: screen.singular)
    return _choices("Noun", {s.model.__tablename__: LazyString(lambda s=s: _(s.singular)) for s in screens})


class _ActionChoice(Choice):
    """Codes of actions, each found by what an earlier release called it too."""

    @classmethod
    def _missing_(cls, value: object) -> Choice | None:
        return cls._value2member_map_.get(current(str(value)))  # type: ignore[return-value]


def _choices(name: str, labels: dict[str, Any], kind: type[Choice] = Choice) -> type[Choice]:
    members = {code.replace(".", "__"): (code, label) for code, label in labels.items()}
    made: Any = kind(name, members)  # type: ignore[arg-type]
    return made

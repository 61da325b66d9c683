"""The shop's settings: checked by their registry, journalled like any record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from actions.core.base import Conflict, Context, Outcome, Refused, action
from actions.execution.records import before_delete, before_save
from models.base import N_, Invalid
from models.dialect import advisory_lock
from models.journal import Change, Changeset
from models.lookups import SalesChannel
from models.shop import SETTINGS, ShopSetting


@before_save(ShopSetting)
def check_setting(ctx: Context, row: ShopSetting, changed: set[str], created: bool) -> None:
    """Store the value as its setting's own check returns it. :raises Invalid: under ``value`` or ``code``."""
    if row.code not in SETTINGS:
        raise Invalid({"code": N_("Setting not found.")})
    if not created and "code" in changed:
        raise Invalid({"code": N_("The code of a setting cannot be changed.")})
    row.value = checked_value(ctx, row.code, "value", row.value)


@before_delete(ShopSetting)
def keep_usable(ctx: Context, row: ShopSetting) -> None:
    """Deleting a setting brings its default back, which must hold too."""
    if row.code in SETTINGS:
        try:
            checked_value(ctx, row.code, "value", SETTINGS[row.code].default)
        except Invalid as invalid:
            raise Refused("default_unusable", invalid.errors["value"]) from None


def checked_value(ctx: Context, code: str, field: str, value: Any) -> Any:
    """Return a setting's value as it is to be stored. :raises Invalid: under ``field``."""
    setting = SETTINGS[code]
    found = setting.check(field, value)
    if setting.check_new is not None:
        setting.check_new(field, found)
    if code == "default_sales_channel":
        with ctx.session.no_autoflush:
            channel = ctx.session.scalar(select(SalesChannel.is_active).where(SalesChannel.code == found))
        if not channel:
            raise Invalid({field: N_("Choose a sales channel that exists and is active.")})
    return found


@action("shop_setting.save", ShopSetting, label=N_("Save settings"))
def save(ctx: Context, *, values: dict[str, Any], opened: dict[str, Any] | None = None) -> Outcome:
    """Save several settings at once: setting code -> value. Errors are under the setting's code.

    :param opened: the settings as they were when the form was opened. What the form left alone is left alone, whatever
        it is now. Without it every value is saved.
    :raises Conflict: a setting that the form changed holds something else by now (rule 9.4).
    """
    advisory_lock(ctx.session.connection(), "shop_settings")
    errors: dict[str, str] = {}
    there = {row.code: row for row in ctx.session.scalars(select(ShopSetting))}
    changed = {code: value for code, value in values.items() if opened is None or value != opened.get(code)}
    if opened is not None:
        _refuse_clashes(ctx, there, changed, opened)
    for code, value in changed.items():
        try:
            _store(ctx, there.get(code), code, value)
        except Invalid as invalid:
            errors |= invalid.errors
    if errors:
        raise Invalid(errors)
    return Outcome(N_("The settings were saved."))


def _refuse_clashes(
    ctx: Context, there: dict[str, ShopSetting], mine: dict[str, Any], opened: dict[str, Any]
) -> None:
    base = {code: opened.get(code) for code in mine if code in SETTINGS}
    now = {code: there[code].value if code in there else SETTINGS[code].default for code in base}
    clashing = [code for code in base if now[code] not in (base[code], mine[code])]
    if clashing:
        before, theirs, own = ({code: found[code] for code in clashing} for found in (base, now, mine))
        by = _last_to_change(ctx, [there[code].id for code in clashing if code in there])
        raise Conflict(before, theirs, own, 0, by)


def _last_to_change(ctx: Context, ids: list[int]) -> str:
    """Return who changed one of these settings last; nobody where it has been deleted."""
    of_these = (Change.table_name == ShopSetting.__tablename__, Change.row_id.in_(ids))
    wanted = select(Changeset.actor_name).join(Change).where(*of_these).order_by(Changeset.id.desc()).limit(1)
    return ctx.session.scalar(wanted) or ""


def _store(ctx: Context, row: ShopSetting | None, code: str, value: Any) -> None:
    if code not in SETTINGS:
        raise Invalid({code: N_("Setting not found.")})
    found = checked_value(ctx, code, code, value)
    if row is not None:
        if row.value != found:
            row.value = found
    elif found != SETTINGS[code].default:
        ctx.session.add(ShopSetting(code=code, value=found))

"""The shop's settings: checked by their registry, journalled like any record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from actions.base import Context, Outcome, Refused, action
from actions.records import before_delete, before_save
from models.base import N_, Invalid
from models.lookups import SalesChannel
from models.shop import SETTINGS, ShopSetting


@before_save(ShopSetting)
def check_setting(ctx: Context, row: ShopSetting, changed: set[str], created: bool) -> None:
    """Store the value as its setting's own check returns it. :raises Invalid: under ``value`` or ``code``."""
    if row.code not in SETTINGS:
        raise Invalid({"code": N_("There is no such setting.")})
    if not created and "code" in changed:
        raise Invalid({"code": N_("A setting keeps its code.")})
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
    found = SETTINGS[code].check(field, value)
    if code == "default_sales_channel":
        with ctx.session.no_autoflush:
            channel = ctx.session.scalar(select(SalesChannel.is_active).where(SalesChannel.code == found))
        if not channel:
            raise Invalid({field: N_("Choose a sales channel that exists and is switched on.")})
    return found


@action("shop_setting.save", ShopSetting, label=N_("Save settings"))
def save(ctx: Context, *, values: dict[str, Any]) -> Outcome:
    """Save several settings at once: setting code -> value. Errors are under the setting's code."""
    errors: dict[str, str] = {}
    there = {row.code: row for row in ctx.session.scalars(select(ShopSetting).with_for_update())}
    for code, value in values.items():
        try:
            _store(ctx, there.get(code), code, value)
        except Invalid as invalid:
            errors |= invalid.errors
    if errors:
        raise Invalid(errors)
    return Outcome(N_("The settings were saved."))


def _store(ctx: Context, row: ShopSetting | None, code: str, value: Any) -> None:
    if code not in SETTINGS:
        raise Invalid({code: N_("There is no such setting.")})
    found = checked_value(ctx, code, code, value)
    if row is not None:
        if row.value != found:
            row.value = found
    elif found != SETTINGS[code].default:
        ctx.session.add(ShopSetting(code=code, value=found))

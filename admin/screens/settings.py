"""Settings: one form over every shop setting, saved by one action in one changeset."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from flask import flash, redirect, render_template, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, EmailField, Form, SelectField, StringField
from wtforms.validators import Optional

from actions.core.base import Conflict, Invalid, Refused
from actions.setup.settings import save
from admin.editing import saving
from admin.forms import form_fields, model_forms
from admin.forms.fast_select import ListedField, QuickSelect
from admin.layout.frame import frame
from admin.request.context import perform
from admin.screen.base import Screen
from admin.screen.views import PERMISSION_OF
from admin.screens import duplicate_effect
from admin.viewmodels.conflict_pages import ConflictPage, FieldConflict
from admin.viewmodels.form_pages import FormPage
from models import places
from models.lookups import SalesChannel
from models.shop import SETTINGS, WEIGHT_SETTINGS, Setting, ShopSetting
from web.arguments import BadArgument, parse_id
from web.messages import translated
from web.request import session, shop

PERMISSION_OF |= {"save_view": "edit", "effect_view": "edit"}
LOCALES = ("en_GB", "en_IE", "en_US", "de_DE", "fr_FR", "nl_NL", "es_ES", "it_IT", "pl_PL")


class SettingsScreen(Screen):
    """What the shop decides, as opposed to what a deployment does."""

    model = ShopSetting
    menu = "Settings"
    menu_label = _l("Settings")
    icon = "settings"
    column_list = ("code", "value", "updated_at")
    column_default_sort = "code"
    column_searchable_list = ("code",)
    column_filters = ()
    form_columns = ("code", "value")
    can_create = can_delete = can_export = False

    @expose("/")
    def index_view(self) -> Any:
        """Show the form with the settings in force."""
        return self._page(form_class()(data=_in_force()))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Lead to the one form: no setting has a form of its own."""
        self.get_or_404(parse_id("id", request.args.get("id")))
        return redirect(self.url_to("index_view"))

    @expose("/save/", methods=("POST",))
    def save_view(self) -> Any:
        """Save what was changed in the form at once, or say which value will not do, or was changed in the meantime."""
        form, opened = form_class()(request.form), _opened()
        if not form.validate():
            return self._page(form), 422
        try:
            outcome = perform(save, values=_values(form), opened=opened)
        except Conflict as conflict:
            return self._conflict_page(form, conflict), 409
        except Invalid as invalid:
            saving.attach_errors(form, invalid.errors)
            return self._page(form), 422
        except Refused as refused:
            return saving.over_form(form, refused, translated(refused), lambda: self._page(form))
        flash(_(outcome.message), "success")
        return redirect(self.url_to("index_view"))

    @expose("/effect/", methods=("POST",))
    def effect_view(self) -> Any:
        """Say what the points typed in the form would make of the pairs there are, as fields are left (rule 7.13)."""
        form = form_class()(request.form)
        codes = ("duplicate_threshold", *WEIGHT_SETTINGS)
        readable = all(form[code].validate(form) for code in codes)
        values = {code: form[code].data for code in codes}
        return render_template("admin/_alike.html", lines=duplicate_effect.lines(values) if readable else ())

    def _page(self, form: Form) -> str:
        if not self.can("edit"):
            for field in form:
                field.render_kw = {"disabled": True}
        page = FormPage(
            _("Settings"), form, self.url_to("save_view"), self.url_to("index_view"), _("Save settings")
        )
        page.read_only = not self.can("edit")
        page.sections = _sections()
        page.alike_url = self.url_to("effect_view") if self.can("edit") else ""
        page.hidden = [("opened", request.form.get("opened") or _as_they_are())]
        return render_template("admin/form.html", page=page, frame=frame(self.resource))

    def _conflict_page(self, form: Form, conflict: Conflict) -> str:
        """Show what two people changed at once: their values become those that the form was opened with (rule 9.4)."""
        session().rollback()  # or the settings would be what they were when this request began
        theirs = form_class()(data=conflict.theirs)
        kept = [(k, v) for k, v in request.form.items(multi=True) if k not in ("csrf_token", "opened")]
        page = ConflictPage(
            title=_("The settings were changed by someone else"),
            by=conflict.by or _("Someone"),
            clashes=[_field_conflict(code, form[code], theirs[code], conflict) for code in conflict.mine],
            action=self.url_to("save_view"),
            cancel=self.url_to("index_view"),
            version=conflict.version,
            fields=[*kept, ("opened", json.dumps(_opened() | conflict.theirs))],
        )
        return render_template("admin/conflict.html", page=page, frame=frame(self.resource))


def _sections() -> list[tuple[str, list[str]]]:
    """Return (title, settings under it), in the registry's order."""
    groups: dict[str, list[str]] = {}
    for code, setting in SETTINGS.items():
        groups.setdefault(setting.group, []).append(code)
    return [(_(group) if group else "", codes) for group, codes in groups.items()]


def _field_conflict(code: str, mine: Any, theirs: Any, conflict: Conflict) -> FieldConflict:
    base, their, my = (_words(mine, found[code]) for found in (conflict.base, conflict.theirs, conflict.mine))
    return FieldConflict(code, mine.label.text, base, their, my, True, _sent(theirs.data), _sent(mine.data))


def _sent(value: Any) -> str:
    """Return what a browser sends for a setting."""
    return ("y" if value else "") if isinstance(value, bool) else model_forms.typed(value)


def _words(field: Any, value: Any) -> str:
    """Return a setting's value as the form shows it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(dict(getattr(field, "choices", None) or ()).get(value, "" if value is None else value))


def _values(form: Form) -> dict[str, Any]:
    return {code: None if form[code].data == "" else form[code].data for code in SETTINGS}


def _in_force() -> dict[str, Any]:
    return {code: shop().value(code) for code in SETTINGS}


def _as_they_are() -> str:
    return json.dumps(_in_force())


def _opened() -> dict[str, Any]:
    """Return the settings that the form was opened with. :raises BadArgument: it does not say."""
    try:
        found = json.loads(request.form.get("opened", ""))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadArgument("opened", _("reload the settings"))
    return found


def form_class() -> type[Form]:
    """Return the form with one field for each setting, in the registry's order."""
    return type(
        "SettingsForm", (Form,), {code: MAKERS[setting.kind](setting) for code, setting in SETTINGS.items()}
    )


def _plain(maker: Any) -> Callable[[Setting], Any]:
    return lambda setting: maker(_(setting.label), [Optional()], description=_(setting.help))


def _chosen(choices: Callable[[], list[tuple[str, str]]]) -> Callable[[Setting], Any]:
    return lambda setting: SelectField(
        _(setting.label), description=_(setting.help), choices=choices, widget=QuickSelect()
    )


def _listed(choices: Callable[[str], Sequence[tuple[str, str]]]) -> Callable[[Setting], Any]:
    return lambda setting: ListedField(
        _(setting.label), description=_(setting.help), choices=lambda: choices(shop().locale)
    )


@cache
def _zones(_locale: str) -> tuple[tuple[str, str], ...]:
    """Return every time zone by its own name; finding out which there are takes a walk through a folder."""
    names = (name for name in sorted(available_timezones()) if "/" in name or name == "UTC")
    return tuple((name, name.replace("_", " ")) for name in names)


def _locales() -> list[tuple[str, str]]:
    return [(code, str(Locale.parse(code).get_display_name(shop().locale))) for code in LOCALES]


def _channels() -> list[tuple[str, str]]:
    rows = session().execute(
        select(SalesChannel.code, SalesChannel.name).where(SalesChannel.is_active).order_by(SalesChannel.name)
    )
    return [(code, name) for code, name in rows]


MAKERS: dict[str, Callable[[Setting], Any]] = {
    "text": _plain(StringField),
    "email": _plain(EmailField),
    "integer": _plain(form_fields.WholeNumberField),
    "boolean": lambda setting: BooleanField(_(setting.label), description=_(setting.help)),
    "time_zone": _listed(_zones),
    "currency": _listed(places.currency_choices),
    "country": _listed(places.country_choices),
    "locale": _chosen(_locales),
    "sales_channel": _chosen(_channels),
}

"""Settings: one form over every shop setting, saved by one action in one changeset."""

from __future__ import annotations

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

from actions.base import Invalid
from actions.settings import save
from admin import inputs, saving
from admin.base import Screen
from admin.context import perform, session, shop
from admin.frame import frame
from admin.pages import FormPage
from admin.query import parse_id
from admin.selects import ListedField, QuickSelect
from admin.views import PERMISSION_OF
from models import places
from models.lookups import SalesChannel
from models.shop import SETTINGS, Setting, ShopSetting

PERMISSION_OF["save_view"] = "edit"
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
    form_columns = ("code", "value")
    can_create = can_delete = can_export = False

    @expose("/")
    def index_view(self) -> Any:
        """Show the form with the settings in force."""
        return self._page(form_class()(data={code: getattr(shop(), code) for code in SETTINGS}))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Lead to the one form: no setting has a form of its own."""
        self.get_or_404(parse_id("id", request.args.get("id")))
        return redirect(self.url_to("index_view"))

    @expose("/save/", methods=("POST",))
    def save_view(self) -> Any:
        """Save every setting at once, or say which value will not do."""
        form = form_class()(request.form)
        if not form.validate():
            return self._page(form), 422
        try:
            outcome = perform(save, values={code: _blank(form[code].data) for code in SETTINGS})
        except Invalid as invalid:
            saving.spread(form, invalid.errors)
            return self._page(form), 422
        flash(_(outcome.message), "success")
        return redirect(self.url_to("index_view"))

    def _page(self, form: Form) -> str:
        if not self.can("edit"):
            for field in form:
                field.render_kw = {"disabled": True}
        page = FormPage(
            _("Settings"), form, self.url_to("save_view"), self.url_to("index_view"), _("Save settings")
        )
        page.read_only = not self.can("edit")
        return render_template("admin/form.html", page=page, frame=frame(self.resource))


def _blank(value: Any) -> Any:
    return None if value == "" else value


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
    "integer": _plain(inputs.WholeNumberField),
    "boolean": lambda setting: BooleanField(_(setting.label), description=_(setting.help)),
    "time_zone": _listed(_zones),
    "currency": _listed(places.currency_choices),
    "country": _listed(places.country_choices),
    "locale": _chosen(_locales),
    "sales_channel": _chosen(_channels),
}

"""Flask-AppBuilder as the identity layer: accounts, roles, sign-in, tokens, and none of its pages but sign-in."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import AppBuilder
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import logout_user
from werkzeug.exceptions import BadRequest

from admin import openapi


class DbSignIn(AuthDBView):
    """Sign-in by password in our look; sign-out is a POST, so that no link or image can do it."""

    login_template = "admin/sign_in.html"
    invalid_login_message = _l("That user name and password do not match. Please try again.")
    title = _l("Sign in")

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        """End the session."""
        logout_user()
        return redirect(url_for("DbSignIn.login"))


class TokenApi(SecurityApi):
    """Flask-AppBuilder's sign-in for programs, described as it answers."""

    class_permission_name = "SecurityApi"

    @expose("/login", methods=["POST"])
    def login(self) -> Any:
        """Answer a token. Flask-AppBuilder fails on a request that names no provider, so it never sees one."""
        sent = request.get_json(silent=True)
        if isinstance(sent, dict) and "provider" not in sent:
            raise BadRequest(_("Send username, password and provider."))
        return super().login()

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe both addresses."""
        openapi.describe_tokens(api_spec)


class Identity(SecurityManager):
    """Registers the sign-in page and the token API, and leaves every other page of Flask-AppBuilder out."""

    authdbview = DbSignIn
    security_api = TokenApi

    def register_views(self) -> None:
        """Register sign-in by form and by API."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)


class IdentityBuilder(AppBuilder):
    """Flask-AppBuilder without its home page, ``/back``, language links and menu API."""

    def _add_admin_views(self) -> None:
        self._indexview = None
        self.sm.register_views()

    def _add_global_static(self) -> None:
        """Flask-AppBuilder's own pages are not shown, so neither are their files."""

    @property
    def get_url_for_index(self) -> str:
        """Return where a successful sign-in leads."""
        return str(url_for("admin.index"))

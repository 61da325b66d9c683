"""Signing in elsewhere: LDAP, OAuth, SAML and a proxy's REMOTE_USER, as Flask-AppBuilder does them, in our look.

Which of them is chosen by the deployment's identity file, in Flask-AppBuilder's own settings. What is ours: sign-out
is a POST, nothing that the other side hands over is kept in the session, and who signed in stands in the journal.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from flask import session as browser_session
from flask_appbuilder.const import AUTH_LDAP, AUTH_OAUTH, AUTH_REMOTE_USER, AUTH_SAML
from flask_appbuilder.security.views import (
    AuthLDAPView,
    AuthOAuthView,
    AuthRemoteUserView,
    AuthSAMLView,
    AuthView,
)
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_login import login_user, logout_user
from werkzeug.exceptions import BadRequest

from actions.staff import security_events
from admin.auth import sign_in
from admin.request.context import VIEW_AS, call, person, sign_in_url
from models.base import db
from web.arguments import local_path


class SignOut:
    """Sign-out by POST, so that no link or image can do it."""

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        """End the session."""
        if person() is not None:
            security_events.record(db.engine, "staff.sign_out", call(), person().id)
        browser_session.pop(VIEW_AS, None)
        logout_user()
        return redirect(sign_in_url())


class LdapSignIn(SignOut, AuthLDAPView):
    """The same form as for passwords of ours; the directory says whether they are right."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        """Show the form, or sign in and go on to where the person wanted to be."""
        target = local_path(request.args.get("next", "")) or self.appbuilder.get_url_for_index
        if person() is not None:
            return redirect(target)
        if request.method == "GET":
            return render_template("admin/sign_in.html", wrong="", username="")
        username, password = request.form.get("username", ""), request.form.get("password", "")
        account = sign_in.by_directory(self.appbuilder.sm.auth_user_ldap, username, password)
        if account is None:
            wrong = _("Wrong user name or password. Please try again.")
            return render_template("admin/sign_in.html", wrong=wrong, username=username), 401
        login_user(account)
        return redirect(target)


class OAuthSignIn(SignOut, AuthOAuthView):
    """A list of the providers to sign in with."""

    login_template = "admin/sign_in_with.html"


class SamlSignIn(SignOut, AuthSAMLView):
    """The identity provider's own page."""

    login_template = "admin/sign_in_with.html"

    @expose("/saml/slo/", methods=["GET", "POST"])
    def slo(self) -> Any:
        """Sign out because the identity provider says so, in a signed message; our own sign-out is at /logout/.

        :raises BadRequest: it says nothing, so that no link or image signs anybody out.
        """
        if not {"SAMLRequest", "SAMLResponse"} & set(request.values):
            raise BadRequest(_("Send a SAMLRequest or a SAMLResponse."))
        return super().slo()


class RemoteUserSignIn(SignOut, AuthRemoteUserView):
    """The person that the server in front names."""


VIEWS: dict[int, type[AuthView]] = {
    AUTH_LDAP: LdapSignIn,
    AUTH_OAUTH: OAuthSignIn,
    AUTH_SAML: SamlSignIn,
    AUTH_REMOTE_USER: RemoteUserSignIn,
}
"""Flask-AppBuilder's AUTH_TYPE -> how people sign in, where it is not by a password of ours."""

"""Flask-AppBuilder as the identity layer: accounts, roles, sign-in, tokens, and none of its pages but sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, redirect, render_template, request, url_for
from flask_appbuilder import AppBuilder
from flask_appbuilder.const import (
    API_SECURITY_PROVIDER_DB,
    API_SECURITY_PROVIDER_LDAP,
    AUTH_DB,
    AUTH_LDAP,
)
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_jwt_extended import (
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from sqlalchemy import bindparam, inspect, select
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import BadRequest, Unauthorized

from actions.core.base import SYSTEM
from actions.execution.runner import Call, perform
from actions.staff import sessions
from actions.staff.staff import set_roles
from admin.api.openapi_tokens import describe_tokens
from admin.auth import sign_in, two_factor
from admin.auth.federated import VIEWS, SignOut
from admin.request.context import has_passwords, person
from models.access import SessionChannel
from models.base import Staff, db
from web.arguments import BadArgument, local_path
from web.request import now
from web.sessions import caller

PROVIDERS = {AUTH_DB: API_SECURITY_PROVIDER_DB, AUTH_LDAP: API_SECURITY_PROVIDER_LDAP}
"""How Flask-AppBuilder was told to sign people in -> what a program calls it; the other ways need a browser."""
TIES = ("roles", "groups")
"""What of a person's row says what they may do."""
PERSON = select(Staff).where(Staff.id == bindparam("id")).options(joinedload(Staff.roles))
"""A member of staff with their roles. Put together once, as every request asks it."""
SESSION_CLAIM = "session"
"""Where a token says which session it is of."""


class DbSignIn(SignOut, AuthDBView):
    """Sign-in by a password of ours, in our look."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        """Show the form, or sign in and go on to where the person wanted to be."""
        target = local_path(request.args.get("next", "")) or self.appbuilder.get_url_for_index
        if person() is not None:
            return redirect(target)
        if request.method == "GET":
            return self._page()
        username, password = request.form.get("username", ""), request.form.get("password", "")
        account = sign_in.authenticate(username, password)
        if account is None:
            return self._page(_("Wrong user name or password. Please try again."), username), 401
        return two_factor.go_on(account, target)

    def _page(self, wrong: str = "", username: str = "") -> str:
        return render_template("admin/sign_in.html", wrong=wrong, username=username, with_link=True)


class TokenApi(SecurityApi):
    """Sign-in for programs. A token names a session of ours, so it ends when that does."""

    class_permission_name = "SecurityApi"

    @expose("/login", methods=["POST"])
    def login(self) -> Any:
        """Answer a token, and with ``refresh`` a second one to have it renewed by."""
        given = _given(request.get_json(silent=True), self._providers())
        account = self._authenticated(given["provider"], given["username"], given["password"])
        if account is None:
            raise Unauthorized(_("Wrong user name or password."))
        if has_passwords():
            two_factor.check_program(account, given.get("code", ""))
        token = sessions.STORE.begin(db.engine, account.id, now(), caller(), channel=SessionChannel.API)
        sign_in.signed_in(account)
        claims = {SESSION_CLAIM: token}
        found = {"access_token": create_access_token(str(account.id), fresh=True, additional_claims=claims)}
        if given.get("refresh"):
            found["refresh_token"] = create_refresh_token(str(account.id), additional_claims=claims)
        return self.response(200, **found)

    def _providers(self) -> list[str]:
        return [name for kind, name in PROVIDERS.items() if kind == self.appbuilder.sm.auth_type]

    def _authenticated(self, provider: str, username: str, password: str) -> Any:
        if provider == API_SECURITY_PROVIDER_LDAP:
            return sign_in.by_directory(self.appbuilder.sm.auth_user_ldap, username, password)
        return sign_in.authenticate(username, password)

    @expose("/refresh", methods=["POST"])
    def refresh(self) -> Any:
        """Answer a new token in exchange for the second one, as long as its session goes on."""
        try:
            verify_jwt_in_request(refresh=True, locations=["headers"])
        except (JWTExtendedException, PyJWTError):
            raise Unauthorized(_("Send a valid refresh token.")) from None
        claims = {SESSION_CLAIM: get_jwt()[SESSION_CLAIM]}
        token = create_access_token(get_jwt_identity(), fresh=False, additional_claims=claims)
        return self.response(200, access_token=token)

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe both addresses."""
        describe_tokens(api_spec, self._providers())


def _given(sent: Any, providers: Sequence[str]) -> dict[str, Any]:
    """Return what a sign-in sent, every part of the kind it has to be. :raises BadRequest: naming the part."""
    if not isinstance(sent, dict):
        raise BadRequest(_("Send username, password and provider."))
    for name in ("username", "password", "provider"):
        if not isinstance(sent.get(name), str) or not sent[name]:
            raise BadArgument(name, _("a string"))
    if sent["provider"] not in providers:
        raise BadArgument("provider", _("one of: %(names)s", names=", ".join(providers)))
    if not isinstance(sent.get("refresh", False), bool):
        raise BadArgument("refresh", _("true or false"))
    if not isinstance(sent.get("code", ""), str):
        raise BadArgument("code", _("a string"))
    unknown = sorted(set(sent) - {"username", "password", "provider", "refresh", "code"})
    if unknown:
        raise BadArgument(unknown[0][:60], _("this field does not exist"))
    return sent


class Identity(SecurityManager):
    """Registers the sign-in page and the token API, and leaves every other page of Flask-AppBuilder out."""

    authdbview = DbSignIn
    security_api = TokenApi

    def load_user_jwt(self, _header: Any, claims: dict[str, Any]) -> Any:
        """Return whose session a token names, as long as it goes on, and take them for the one who asks."""
        live = sessions.find(db.session(), str(claims.get(SESSION_CLAIM, "")), now())
        if live is None or str(live.holder_id) != claims["sub"]:
            return None
        if live.must_enrol and has_passwords():
            raise two_factor.TwoFactorRequired
        sessions.STORE.keep(db.engine, live, now())
        g.live, g.user = live, self.load_user(live.holder_id)
        return g.user

    def get_user_by_id(self, pk: int) -> Any:
        """Return a member of staff with their roles, which every page names, in one statement."""
        return self.session.scalars(PERSON, {"id": pk}).unique().one_or_none()

    def create_login_manager(self, app: Any) -> Any:
        """Leave out the mark by which a cookie would be tied to a browser: the session is on the server."""
        manager = super().create_login_manager(app)
        manager.session_protection = None
        return manager

    def register_views(self) -> None:
        """Register sign-in by API, and as the deployment wants it in a browser."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view = VIEWS.get(self.auth_type, self.authdbview)()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def update_user_auth_stat(self, user: Any, success: bool = True) -> None:
        """Write down who signed in elsewhere; Flask-AppBuilder would write to the request's own session."""
        if success:
            self._tie(user.id, self._untied(user))
            sign_in.signed_in(user)

    def auth_user_ldap(self, username: str, password: str) -> Any:
        """Return whom the directory knows by a password; what it says of them is stored at once, or not at all."""
        with self.session.no_autoflush:
            return super().auth_user_ldap(username, password)

    def auth_user_oauth(self, userinfo: Any) -> Any:
        """Return whom a provider has told of, also."""
        with self.session.no_autoflush:
            return super().auth_user_oauth(userinfo)

    def auth_user_saml(self, userinfo: Any) -> Any:
        """Return whom an identity provider has told of, also."""
        with self.session.no_autoflush:
            return super().auth_user_saml(userinfo)

    def update_user(self, user: Any, commit: bool = True) -> Any:
        """Store what was learned of a person elsewhere."""
        ties = self._untied(user)
        done = super().update_user(user, commit)
        self._tie(user.id, ties)
        return done

    def add_user(
        self,
        username: str,
        first_name: str,
        last_name: str,
        email: str,
        role: Any = None,
        *password: str,
        groups: Any = None,
        **more: Any,
    ) -> Any:
        """Add a person, who is given roles and groups by an action of ours."""
        self.session.rollback()  # what was read before may be old by now, which SQLite lets nobody write after
        added = super().add_user(username, first_name, last_name, email, None, *password, **more)
        if added:
            roles = role if isinstance(role, list) else [role] if role else []
            self._tie(
                added.id, {"roles": [row.id for row in roles], "groups": [row.id for row in groups or ()]}
            )
        return added

    def _untied(self, user: Any) -> dict[str, list[int]] | None:
        """Take the roles and groups that Flask-AppBuilder has put onto a row off again, and return their ids.

        None where it has put none. What else it has put there stays.
        """
        attributes = inspect(user).attrs
        if not any(attributes[name].history.has_changes() for name in TIES):
            return None
        wanted = {name: [row.id for row in getattr(user, name)] for name in TIES}
        columns = inspect(user).mapper.column_attrs.keys()
        learned = {n: getattr(user, n) for n in columns if attributes[n].history.has_changes()}
        self.session.rollback()  # also what the roles know of anyone who holds them, which would be stored as well
        for name, value in learned.items():
            setattr(user, name, value)
        return wanted

    def _tie(self, user_id: int, ids: dict[str, list[int]] | None) -> None:
        """Let a person have exactly these roles and groups, journalled, and within every rule (rule 18)."""
        if ids is None:
            return
        perform(db.engine, set_roles, Call(SYSTEM, now()), user_id, **ids)
        self.session.rollback()  # what this transaction reads would still be as before the action

    def set_oauth_session(self, provider: str, oauth_response: Any) -> None:
        """Keep nothing of what a provider hands over: it is asked once, at sign-in."""


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

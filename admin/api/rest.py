"""The API: one generic resource a screen, with the screen's own query, scope, fields and actions.

Callers show a bearer token, from sign-in or an API key; the browser's cookie opens nothing here. Every answer to bad
input is a 4xx that names the argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any

from flask import Response, g, jsonify, request
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.api.manager import OpenApi as FabOpenApi
from flask_babel import gettext as _
from flask_jwt_extended import verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from werkzeug.exceptions import (
    Forbidden,
    NotFound,
    PreconditionRequired,
    Unauthorized,
)

from actions.core.base import Invalid, Outcome
from actions.core.journal import plain
from admin.api import openapi
from admin.api.openapi import answered
from admin.auth import api_keys
from admin.forms import explicit_choices, json_body, model_forms
from admin.history import point_in_time, previews
from admin.layout import warned
from admin.listing import list_page
from admin.listing.paging import count_up_to, fetch_page
from admin.request.context import dry_run, forget_person, perform, person
from admin.row_actions import selection
from admin.screen_spec.spec import ScreenSpec
from models import masks
from models.customer import Customer
from models.days import last_day
from web.arguments import BadArgument, parse_id
from web.messages import fill
from web.request import memo, session, shop

_VERSION = re.compile(r'(?:W/)?"(\d{1,9})"|(\d{1,9})', re.ASCII)


def token_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Require a bearer token, by sign-in or an API key, of an active member of staff."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        g.user = None
        forget_person()
        try:
            if not api_keys.sign_in():
                verify_jwt_in_request(locations=["headers"])
        except (JWTExtendedException, PyJWTError):
            raise Unauthorized(_("Send a valid bearer token.")) from None
        if person() is None:
            raise Unauthorized(_("Send a valid bearer token."))
        return view(*args, **kwargs)

    return checked


def represent(screen: ScreenSpec, row: Any) -> dict[str, Any]:
    """Return a row as JSON: ids for relations, minor units for money, ISO dates."""
    sources = memo(("sources", screen.resource), lambda: _sources(screen))
    found = {"id": row.id, **{name: _plain(kind, getattr(row, source)) for name, source, kind in sources}}
    if hasattr(row, "version"):
        found["version"] = row.version
    return found


def _plain(kind: str, value: Any) -> Any:
    return plain(last_day(value, shop().zone) if kind == "last_day" and value is not None else value)


def _sources(screen: ScreenSpec) -> Sequence[tuple[str, str, str]]:
    """Return (name in the answer, attribute it is read from, its kind), worked out once for all rows of an answer."""
    fields = [(name, screen.field(field)) for name, field in answered(screen).items()]
    return [
        (name, field.column.key if field.kind == "lookup" else field.name, field.kind)
        for name, field in fields
    ]


class RecordApi(BaseApi):
    """List and show for one screen; made by :func:`api_for`."""

    get_screen: Callable[[], ScreenSpec]
    """A function, as Flask-AppBuilder would take a view among the attributes for routes of this class."""
    allow_browser_login = False

    @expose("/", methods=["GET"])
    @token_only
    def list(self) -> Response:
        """Answer a page of rows: ``result``, ``count`` (``capped`` beyond 10,000), ``next`` and ``previous``."""
        screen = self._allowed("list")
        _check_given()
        query = list_page.parse(screen, also=frozenset(), plain=True)
        statement = list_page.matching(screen, query, embedded=query.view is None)
        keys = screen.sort_keys(query.sort, query.descending)
        page = fetch_page(session(), statement, keys, screen.identity, query)
        count = page.count if page.count is not None else count_up_to(session(), statement, screen.identity)
        base, size = request.path, (("page_size", str(query.page_size)),)
        return jsonify(
            result=[represent(screen, row) for row in page.rows],
            count=min(count, 10_000),
            capped=count > 10_000,
            next=query.url(base, after=page.next, extra=size) if page.next else None,
            previous=query.url(base, before=page.previous, extra=size) if page.previous else None,
        )

    @expose("/<string:row_id>", methods=["GET"])
    @token_only
    def show(self, row_id: str) -> Response:
        """Answer one row, or with ``at`` what it was at that moment."""
        screen = self._allowed("show")
        if set(request.args) - {"at"} or len(request.args.getlist("at")) > 1:
            raise BadArgument(
                next((a for a in request.args if a != "at"), "at"), _("the only argument is at")
            )
        if "at" in request.args:
            return _answer_as_it_was(screen, row_id)
        return _answer_with(screen, _found(screen, row_id), 200)

    def _allowed(self, verb: str) -> ScreenSpec:
        """Return the screen. :raises Forbidden: this person may not."""
        screen = self.get_screen()
        if not screen.can(verb):
            raise Forbidden
        return screen

    @expose("/", methods=["POST"])
    @token_only
    def create(self) -> Response:
        """Create a row as the form would; ``Idempotency-Key`` makes a repeated request count once."""
        screen = self._allowed("add")
        form = json_body.read(screen.form_class, json_body.body(), start=screen.defaults())
        action, _edit, _delete = screen.record_actions
        outcome = perform(action, key=_key(), values=model_forms.values_of(screen, form))
        return _row(screen, outcome.record_id, 201, _besides(screen, outcome))

    @expose("/<string:row_id>", methods=["PATCH"])
    @token_only
    def change(self, row_id: str) -> Response:
        """Change the fields that were sent, if the row is still at the version of ``If-Match``."""
        screen = self._allowed("edit")
        row, version = _found(screen, row_id), _if_match()
        sent = json_body.body()
        form = json_body.read(screen.form_class, sent, partial=True)
        _create, action, _delete = screen.record_actions
        outcome = perform(action, row.id, values=model_forms.values_of(screen, form), version=version)
        return _row(screen, row.id, 200, _besides(screen, outcome))

    @expose("/<string:row_id>", methods=["DELETE"])
    @token_only
    def remove(self, row_id: str) -> Response:
        """Delete a row that nothing refers to."""
        screen = self._allowed("delete")
        _create, _edit, action = screen.record_actions
        perform(action, _found(screen, row_id).id)
        return Response(status=204)

    @expose("/actions/<string:verb>", methods=["POST"])
    @token_only
    def act(self, verb: str) -> Response:
        """Run a declared action that creates something."""
        return self._act(verb, None)

    @expose("/<string:row_id>/actions/<string:verb>", methods=["POST"])
    @token_only
    def act_on(self, row_id: str, verb: str) -> Response:
        """Run a declared action on a row, or with ``preview=1`` say what it would do."""
        return self._act(verb, row_id)

    def _act(self, verb: str, row_id: str | None) -> Response:
        screen = self.get_screen()
        declared = selection.find(screen, verb)
        if not screen.can(verb):
            raise Forbidden
        if declared.action.targeted != (row_id is not None):
            raise NotFound
        row = _found(screen, row_id) if row_id is not None else None
        if row is not None:
            selection.check_allowed(declared, row)
        if set(request.args) - {"preview"} or request.args.get("preview", "1") != "1":
            raise BadArgument("preview", _("the only argument is preview=1"))
        key, sent = _key(), json_body.body()
        extra = {name: _string(name, sent.pop(name, None)) for name in ("confirm", "fingerprint")}
        form = json_body.read(declared.form, sent, start=declared.start(row))
        if missing := explicit_choices.unsaid(declared, form, sent):
            raise Invalid(dict.fromkeys(missing, _("Add a value, or null to clear the field.")))
        target = row.id if row is not None else None
        if request.args.get("preview") == "1":
            return jsonify(previews.as_json(dry_run(declared.action, target, **declared.given(form))))
        outcome = perform(declared.action, target, key=key, **extra, **declared.given(form))
        return jsonify(
            message=fill(outcome.message, outcome.values),
            warnings=warned.texts(outcome.warnings),
            changeset=outcome.changeset_id,
            id=outcome.record_id,
            **({"secret": outcome.secret} if outcome.secret else {}),
        )

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe this resource."""
        openapi.describe(self.get_screen(), api_spec)


def api_for(screen: ScreenSpec) -> type[RecordApi]:
    """Return the API class of a screen; its ``base_permissions`` are what the role editor offers."""
    offered = {
        "show": screen.can_view_details,
        "create": screen.can_create,
        "change": screen.can_edit and bool(screen.form_columns),
        "remove": screen.can_delete,
    }
    attributes = {
        "get_screen": staticmethod(lambda: screen),
        "resource_name": screen.resource,
        "class_permission_name": screen.resource,
        "base_permissions": [f"can_{verb}" for verb in screen.verbs],
        "openapi_spec_tag": screen.plural,
        # What nobody may do has no route, so that 405 and OPTIONS name just the methods there are.
        "exclude_route_methods": {name for name, there in offered.items() if not there},
    }
    return type(f"{screen.resource.title().replace('_', '')}Api", (RecordApi,), attributes)


# -- reading a request, writing an answer -----------------------------------------------------------------------------


def _found(screen: ScreenSpec, row_id: str) -> Any:
    """Return a row within scope. :raises NotFound: there is none, or the id is none."""
    return screen.get_or_404(_number(row_id))


def _number(row_id: str) -> int:
    try:
        return parse_id("id", row_id)
    except BadArgument:
        raise NotFound from None


def _check_given() -> None:
    """Refuse an argument without a value: a filter that a program left empty would otherwise match everything."""
    for name, value in request.args.items(multi=True):
        if not value and name != "q":
            raise BadArgument(name, _("give a value or leave it out"))


def _key() -> str | None:
    """Return the request's key. :raises BadArgument: one that is empty or odd, which would protect nothing."""
    if "Idempotency-Key" not in request.headers:
        return None
    key = request.headers["Idempotency-Key"].strip()
    if not 1 <= len(key) <= 100 or not key.isascii() or not key.isprintable():
        raise BadArgument("Idempotency-Key", _("1 to 100 plain characters"))
    return key


def _string(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid({name: _("Send a string.")})
    return value


def _if_match() -> int:
    """Return the version the caller has seen. :raises PreconditionRequired: none. :raises BadArgument: no version."""
    given = request.headers.get("If-Match", "")
    if not given:
        raise PreconditionRequired(_("Send the version you read as If-Match."))
    found = _VERSION.fullmatch(given.strip())
    if found is None:
        raise BadArgument("If-Match", _('a version such as "3"'))
    return int(found[1] or found[2])


def _besides(screen: ScreenSpec, outcome: Outcome) -> dict[str, Any]:
    """Return what a save says besides the row: the ids of customers whom it may be about (rule 7.11)."""
    if not screen.alike:
        return {}
    return {openapi.ALIKE: warned.named(outcome.warnings, Customer.resource_name())}


def _row(screen: ScreenSpec, row_id: int | None, status: int, besides: dict[str, Any]) -> Response:
    """Answer a row as it is after an action; one the person may not see by its id alone."""
    if row_id is None or not screen.can("show"):
        answer = jsonify(result={"id": row_id}, **besides)
        answer.status_code = status
        return answer
    response = _answer_with(screen, screen.get_or_404(row_id), status, besides)
    if status == 201:
        response.headers["Location"] = f"/api/v1/{screen.resource}/{row_id}"
    return response


def _answer_with(
    screen: ScreenSpec, row: Any, status: int, besides: Mapping[str, Any] = MappingProxyType({})
) -> Response:
    response = jsonify(result=represent(screen, row), **besides)
    response.status_code = status
    if hasattr(row, "version"):
        response.headers["ETag"] = f'"{row.version}"'
    return response


def _answer_as_it_was(screen: ScreenSpec, row_id: str) -> Response:
    """Answer a row as it was. What the journal does not keep, such as when a customer last signed in, is left out."""
    if not screen.model.__journal__:
        raise BadArgument("at", _("entries like this never change"))
    moment = point_in_time.parse_moment(request.args["at"])
    found = point_in_time.read(screen, _number(row_id), moment)
    known = {**masks.values(screen.model, found.values), **found.balances}
    fields = {name: screen.field(field) for name, field in answered(screen).items()}
    keys = {name: point_in_time.key_of(field) for name, field in fields.items()}
    kept = {n: k for n, k in keys.items() if k in known or point_in_time.journalled(fields[n])}
    result = {"id": found.id, **{name: known.get(key) for name, key in kept.items()}}
    if "version" in found.values:
        result["version"] = found.values["version"]
    since = point_in_time.utc(found.known_from) if found.known_from is not None else None
    return jsonify(
        result=result, at=point_in_time.utc(moment), known_from=since, exists=found.now is not None
    )


# -- OpenAPI --------------------------------------------------------------------------------------------------------


class OpenApi(FabOpenApi):
    """The description of the whole API, for holders of a token."""

    allow_browser_login = False
    class_permission_name = "OpenApi"
    base_permissions = ["can_get"]

    @expose("/<version>/_openapi")
    @token_only
    def get(self, version: str) -> Response:
        """Answer the OpenAPI document of a version."""
        spec = self._create_api_spec(version)
        found = [
            api for api in self.appbuilder.baseviews if isinstance(api, BaseApi) and api.version == version
        ]
        if version != "v1" or not found:
            raise NotFound
        for api in found:
            api.add_api_spec(spec)
        return jsonify(spec.to_dict())

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe this address."""
        operation = {
            "tags": ["OpenApi"],
            "summary": "This document",
            "operationId": "openapi",
            "security": openapi.SECURITY,
            "responses": openapi.answers({"type": "object"}),
        }
        api_spec.path("/api/v1/_openapi", operations={"get": operation})
        openapi.add_components(api_spec)

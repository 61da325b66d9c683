"""The read API: one generic resource a screen, with the screen's own query, scope and fields.

Callers show a bearer token; the browser's cookie opens nothing here. Every answer to bad input is a 4xx that names the
argument.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Response, g, jsonify, request
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.api.manager import OpenApi as FabOpenApi
from flask_babel import gettext as _
from flask_jwt_extended import verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from actions.journal import plain
from admin import lists
from admin.context import forget_person, person, session
from admin.fields import OPERATORS, Field
from admin.query import BadArgument, parse_id
from admin.select import count_up_to, fetch_page

if TYPE_CHECKING:
    from admin.base import Screen

TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": "integer"},
    "money": {"type": "integer", "description": "minor units"},
    "percent": {"type": "string", "description": "decimal, such as 7.50"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "lookup": {"type": "integer", "description": "id of the related record"},
    "json": {},
}


def token_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Require a bearer token of an active member of staff."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        g.user = None
        forget_person()
        try:
            verify_jwt_in_request(locations=["headers"])
        except (JWTExtendedException, PyJWTError):
            raise Unauthorized(_("Send a valid bearer token.")) from None
        if person() is None:
            raise Unauthorized(_("Send a valid bearer token."))
        return view(*args, **kwargs)

    return checked


def field_names(screen: Screen) -> list[str]:
    """Return what the API shows of a row: the screen's listed and form columns that are columns or relations."""
    names = dict.fromkeys((*screen.column_list, *screen.form_columns))
    return [name for name in names if screen.field(name).kind != "computed"]


def represent(screen: Screen, row: Any) -> dict[str, Any]:
    """Return a row as JSON: ids for relations, minor units for money, ISO dates."""
    found: dict[str, Any] = {"id": row.id}
    for name in field_names(screen):
        field = screen.field(name)
        found[name] = plain(getattr(row, field.column.key if field.kind == "lookup" else name))
    if hasattr(row, "version"):
        found["version"] = row.version
    return found


class RecordApi(BaseApi):
    """List and show for one screen; made by :func:`api_for`."""

    get_screen: Callable[[], Screen]
    """A function, as Flask-AppBuilder would take a view among the attributes for routes of this class."""
    allow_browser_login = False

    @expose("/", methods=["GET"])
    @token_only
    def list(self) -> Response:
        """Answer a page of rows: ``result``, ``count`` (``capped`` beyond 10,000), ``next`` and ``previous``."""
        screen = self._allowed("list")
        query = lists.parse(screen, also=frozenset())
        statement = lists.matching(screen, query, embedded=query.view is None)
        keys = screen.sort_keys(query.sort, query.descending)
        page = fetch_page(
            session(),
            statement,
            screen.base_select(),
            keys,
            screen.identity,
            query,
        )
        count = count_up_to(session(), statement, screen.identity)
        base, size = request.path, (("page_size", str(query.page_size)),)
        return jsonify(
            result=[represent(screen, row) for row in page.rows],
            count=min(count, 10_000),
            capped=count > 10_000,
            next=query.url(base, after=page.rows[-1].id, extra=size) if page.has_next else None,
            previous=query.url(base, before=page.rows[0].id, extra=size)
            if page.has_previous and page.rows
            else None,
        )

    @expose("/<string:row_id>", methods=["GET"])
    @token_only
    def show(self, row_id: str) -> Response:
        """Answer one row."""
        screen = self._allowed("show")
        try:
            number = parse_id("id", row_id)
        except BadArgument:
            raise NotFound from None
        if request.args:
            raise BadArgument(next(iter(request.args)), _("this address takes no arguments"))
        return jsonify(result=represent(screen, screen.get_or_404(number)))

    def _allowed(self, verb: str) -> Screen:
        screen = self.get_screen()
        if not screen.can(verb):
            raise Forbidden
        return screen

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe this resource."""
        screen = self.get_screen()
        name = screen.resource
        api_spec.components.schema(name, _schema(screen))
        api_spec.path(f"/api/v1/{name}/", operations={"get": _list_operation(screen)})
        api_spec.path(f"/api/v1/{name}/{{id}}", operations={"get": _show_operation(screen)})


def api_for(screen: Screen) -> type[RecordApi]:
    """Return the API class of a screen; its ``base_permissions`` are what the role editor offers."""
    attributes = {
        "get_screen": staticmethod(lambda: screen),
        "resource_name": screen.resource,
        "class_permission_name": screen.resource,
        "base_permissions": [f"can_{verb}" for verb in screen.verbs],
        "openapi_spec_tag": screen.plural,
    }
    return type(f"{screen.resource.title().replace('_', '')}Api", (RecordApi,), attributes)


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
            "security": [{"jwt": []}],
            "responses": _answers({"type": "object"}),
        }
        api_spec.path("/api/v1/_openapi", operations={"get": operation})


def _property(field: Field) -> dict[str, Any]:
    if field.choices is not None:
        described: dict[str, Any] = {"type": "string", "enum": [member.value for member in field.choices]}
    else:
        described = dict(TYPES[field.kind])
    return {**described, "nullable": True} if field.nullable else described


def _schema(screen: Screen) -> dict[str, Any]:
    properties = {name: _property(screen.field(name)) for name in field_names(screen)}
    own = {"id": {"type": "integer"}, **properties}
    if hasattr(screen.model, "version"):
        own["version"] = {"type": "integer"}
    return {"type": "object", "properties": own, "required": list(own)}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"in": "query", "name": name, "schema": schema, "description": description}


def _parameters(screen: Screen) -> list[dict[str, Any]]:
    orders = sorted(screen.sortable | {"id"})
    found = [
        _query(
            "sort",
            {"type": "string", "enum": [s + n for n in orders for s in ("", "-")]},
            "- in front for descending",
        ),
        _query("page_size", {"type": "integer", "minimum": 1, "maximum": 200}, "rows a page"),
        _query("after", {"type": "integer", "minimum": 1}, "id of the row the page follows"),
        _query("before", {"type": "integer", "minimum": 1}, "id of the row the page precedes"),
        _query("q", {"type": "string", "maxLength": 200}, "search"),
    ]
    if screen.views:
        found.append(
            _query("view", {"type": "string", "enum": [v.slug for v in screen.views]}, "a saved view")
        )
    for field in screen.filters.values():
        found += [
            _query(f"{field.name}__{o}", {"type": "string"}, f"{field.name} {field.word(o)}")
            for o in OPERATORS[field.kind]
        ]
    return found


def _answers(schema: dict[str, Any]) -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "field": {"type": "string"},
            "request_id": {"type": "string"},
        },
    }
    problems = {
        "400": "Bad argument",
        "401": "No valid token",
        "403": "Not for this role",
        "404": "Missing, or out of scope",
    }
    described = {
        code: {"description": text, "content": {"application/json": {"schema": error}}}
        for code, text in problems.items()
    }
    return {"200": {"description": "Done", "content": {"application/json": {"schema": schema}}}, **described}


def _list_operation(screen: Screen) -> dict[str, Any]:
    row = {"$ref": f"#/components/schemas/{screen.resource}"}
    link = {"type": "string", "nullable": True}
    properties = {
        "result": {"type": "array", "items": row},
        "count": {"type": "integer"},
        "capped": {"type": "boolean"},
        "next": link,
        "previous": link,
    }
    return {
        "tags": [screen.plural], "summary": f"List {screen.plural.lower()}", "operationId": f"list_{screen.resource}",
        "parameters": _parameters(screen), "security": [{"jwt": []}],
        "responses": _answers({"type": "object", "properties": properties, "required": list(properties)}),
    }  # fmt: skip


def _show_operation(screen: Screen) -> dict[str, Any]:
    row = {
        "type": "object",
        "properties": {"result": {"$ref": f"#/components/schemas/{screen.resource}"}},
        "required": ["result"],
    }
    where = {"in": "path", "name": "id", "required": True, "schema": {"type": "integer", "minimum": 1}}
    return {
        "tags": [screen.plural],
        "summary": f"Show one of {screen.plural.lower()}",
        "operationId": f"show_{screen.resource}",
        "parameters": [where], "security": [{"jwt": []}], "responses": _answers(row),
    }  # fmt: skip

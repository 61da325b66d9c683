"""The description of the API: what each resource takes and answers, from the same declarations that serve it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wtforms import BooleanField, Form

from admin import inputs
from admin.declare import RowAction
from admin.fields import OPERATORS, Field

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

AT: dict[str, Any] = {
    "in": "query",
    "name": "at",
    "schema": {"type": "string", "format": "date-time"},
    "description": "show the record as it was at this moment; what the journal does not keep is left out",
}
PAST: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time", "description": "the moment asked for"},
    "known_from": {
        "type": "string",
        "format": "date-time",
        "nullable": True,
        "description": "since when every change has been written down; null where none was",
    },
    "exists": {"type": "boolean", "description": "whether the record is still there"},
}
"""What an answer about a moment holds besides the record."""

SECURITY: list[dict[str, list[str]]] = [{"jwt": []}, {"api_key": []}]
"""Either opens an address; Flask-AppBuilder describes both schemes."""


def field_names(screen: Screen) -> list[str]:
    """Return what the API shows of a row: the screen's listed and form columns that are columns or relations."""
    names = dict.fromkeys((*screen.column_list, *screen.form_columns))
    return [name for name in names if screen.field(name).kind != "computed"]


def describe(screen: Screen, api_spec: Any) -> None:
    """Describe a resource: its rows, and every address it answers at."""
    name = screen.resource
    api_spec.components.schema(name, _schema(screen))
    many: dict[str, Any] = {"get": _list_operation(screen)}
    one: dict[str, Any] = {"get": _show_operation(screen)}
    if screen.can_create:
        many["post"] = _write_operation(screen, "create", "201")
    if screen.can_edit and screen.form_columns:
        one["patch"] = _write_operation(screen, "edit", "200")
    if screen.can_delete:
        one["delete"] = _delete_operation(screen)
    api_spec.path(f"/api/v1/{name}/", operations=many)
    api_spec.path(f"/api/v1/{name}/{{id}}", operations=one)
    for declared in screen.actions():
        where = "/{id}" if declared.action.targeted else ""
        path = f"/api/v1/{name}{where}/actions/{declared.action.verb}"
        api_spec.path(path, operations={"post": _action_operation(screen, declared)})


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


def answers(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what every address answers besides its own schema: bad arguments, no token, not allowed, not there."""
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
        "parameters": _parameters(screen), "security": SECURITY,
        "responses": answers({"type": "object", "properties": properties, "required": list(properties)}),
    }  # fmt: skip


def _past_schema(screen: Screen) -> dict[str, Any]:
    """Return what an answer about a moment holds; of the record's fields, those that the journal keeps."""
    row = {**_schema(screen), "required": ["id"]}
    return {"type": "object", "properties": {"result": row, **PAST}, "required": ["result", *PAST]}


def _show_operation(screen: Screen) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "object",
        "properties": {"result": {"$ref": f"#/components/schemas/{screen.resource}"}},
        "required": ["result"],
    }
    past = screen.model.__journal__
    if past:
        row = {"anyOf": [row, _past_schema(screen)]}
    where = {"in": "path", "name": "id", "required": True, "schema": {"type": "integer", "minimum": 1}}
    return {
        "tags": [screen.plural],
        "summary": f"Show one of {screen.plural.lower()}",
        "operationId": f"show_{screen.resource}",
        "parameters": [where, AT] if past else [where], "security": SECURITY, "responses": answers(row),
    }  # fmt: skip


# -- writing --------------------------------------------------------------------------------------------------------

ID = {"in": "path", "name": "id", "required": True, "schema": {"type": "integer", "minimum": 1}}
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 100},
    "description": "a repeated request with the same key and body is done once",
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string"},
    "description": 'the version read, such as "3"; 412 when somebody saved the row since',
}
PREVIEW = {
    "in": "query",
    "name": "preview",
    "schema": {"type": "string", "enum": ["1"]},
    "description": "say what the action would do, and do nothing",
}


def _body(fields: Iterable[tuple[str, dict[str, Any]]], required: Iterable[str] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": dict(fields), "additionalProperties": False}
    if wanted := list(required):
        schema["required"] = wanted
    return {"content": {"application/json": {"schema": schema}}}


def input_schema(form: type[Form]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return (field -> JSON schema, names that must be sent) of a form."""
    bound = form()
    found = {field.short_name: _input(field) for field in bound}
    needed = [
        f.short_name
        for f in bound
        if f.flags.required and f.data in (None, []) and not isinstance(f, BooleanField)
    ]
    return found, needed


def _input(field: Any) -> dict[str, Any]:
    if isinstance(field, inputs.RowsField):
        inner, _needed = input_schema(field.unbound_field.args[0])
        return {
            "type": "array",
            "items": {"type": "object", "properties": inner, "additionalProperties": False},
        }
    if isinstance(field, BooleanField):
        return {"type": "boolean"}
    if isinstance(field, inputs.LinesField):
        return {"type": "array", "items": {"type": "string"}, "nullable": True}
    if isinstance(field, inputs.LookupManyField):
        return {"type": "array", "items": {"type": "integer", "minimum": 1}}
    if isinstance(field, inputs.MoneyField):
        return {"type": "integer", "description": "minor units", "nullable": True}
    if isinstance(field, inputs.WholeNumberField | inputs.LookupField):
        return {"type": "integer", "nullable": True}
    return {"type": "string", "nullable": True}


def _write_operation(screen: Screen, verb: str, status: str) -> dict[str, Any]:
    fields, required = input_schema(screen.form_class)
    answered = answers(
        {"type": "object", "properties": {"result": {"$ref": f"#/components/schemas/{screen.resource}"}}}
    )
    if status != "200":
        answered[status] = answered.pop("200")
    creating = verb == "create"
    return {
        "tags": [screen.plural],
        "summary": f"{verb.capitalize()} one of {screen.plural.lower()}",
        "operationId": f"{verb}_{screen.resource}",
        "parameters": [KEY] if creating else [ID, IF_MATCH],
        "requestBody": _body(fields.items(), required if creating else ()),
        "security": SECURITY,
        "responses": answered | _write_problems(),
    }


def _delete_operation(screen: Screen) -> dict[str, Any]:
    answered = answers({})
    answered.pop("200")
    return {
        "tags": [screen.plural],
        "summary": f"Delete one of {screen.plural.lower()}",
        "operationId": f"delete_{screen.resource}",
        "parameters": [ID],
        "security": SECURITY,
        "responses": {"204": {"description": "Deleted"}} | answered | _write_problems(),
    }


def _action_operation(screen: Screen, declared: RowAction) -> dict[str, Any]:
    fields, required = input_schema(declared.form)
    asked: dict[str, dict[str, Any]] = {
        "fingerprint": {"type": "string", "description": "of the preview; a dangerous action needs it"}
    }
    if declared.action.danger:
        asked["confirm"] = {"type": "string", "description": "the record's name, typed to confirm"}
    done = {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "changeset": {"type": "integer", "nullable": True},
            "id": {"type": "integer", "nullable": True},
            "secret": {"type": "string", "description": "what was made and is told this once"},
        },
    }
    return {
        "tags": [screen.plural],
        "summary": declared.action.label,
        "operationId": declared.action.code.replace(".", "_"),
        "parameters": [*([ID] if declared.action.targeted else []), PREVIEW, KEY],
        "requestBody": _body((fields | asked).items(), required),
        "security": SECURITY,
        "responses": answers(done) | _write_problems(),
    }


def _write_problems() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "code": {"type": "string"},
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
            "request_id": {"type": "string"},
        },
    }
    content = {"application/json": {"schema": schema}}
    texts = {
        "409": "The rules say no",
        "412": "Saved by somebody else since",
        "413": "Too large",
        "422": "A field will not do",
        "428": "If-Match is missing",
    }
    return {code: {"description": text, "content": content} for code, text in texts.items()}

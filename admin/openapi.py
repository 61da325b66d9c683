"""The description of the API: what each resource takes and answers, from the same declarations that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from admin import masking, schemas
from admin.declare import RowAction
from admin.fields import OPERATORS, Field
from admin.schemas import ID, PLAIN, Schema

if TYPE_CHECKING:
    from admin.base import Screen

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


def _schema(screen: Screen) -> dict[str, Any]:
    gone = masking.withheld(screen)
    properties = {
        name: schemas.shown(screen.field(name), masked=name in gone) for name in field_names(screen)
    }
    own = {"id": {"type": "integer"}, **properties}
    if hasattr(screen.model, "version"):
        own["version"] = {"type": "integer"}
    return _exactly(own)


def _exactly(properties: dict[str, Any], optional: Iterable[str] = ()) -> Schema:
    """Return the schema of an object with these properties and no others."""
    required = [name for name in properties if name not in set(optional)]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"in": "query", "name": name, "schema": schema, "description": description}


def _parameters(screen: Screen) -> list[dict[str, Any]]:
    orders = sorted(masking.sortable(screen) | {"id"})
    found = [
        _query(
            "sort",
            {"type": "string", "enum": [s + n for n in orders for s in ("", "-")]},
            "- in front for descending",
        ),
        _query("page_size", {"type": "integer", "minimum": 1, "maximum": 200}, "rows a page"),
        _query("after", ID, "id of the row the page follows"),
        _query("before", ID, "id of the row the page precedes"),
        _query("q", {"type": "string", "maxLength": 200, "pattern": PLAIN}, "search"),
    ]
    if screen.views:
        found.append(
            _query("view", {"type": "string", "enum": [v.slug for v in screen.views]}, "a saved view")
        )
    found += [
        _filter(f, operator) for f in masking.filters(screen).values() for operator in OPERATORS[f.kind]
    ]
    return found


def _filter(field: Field, operator: str) -> dict[str, Any]:
    schema = schemas.filtered(field, operator)
    described = _query(f"{field.name}__{operator}", schema, f"{field.name} {field.word(operator)}")
    return {**described, "style": "form", "explode": False} if schema["type"] == "array" else described


def _error() -> Schema:
    """Return what every refusal looks like; the last four only where somebody saved the row since (412)."""
    sent = {"type": "object", "description": "field -> value"}
    return _exactly(
        {
            "message": {"type": "string"},
            "request_id": {"type": "string"},
            "field": {"type": "string", "description": "the argument or field it is about"},
            "code": {"type": "string", "description": "the rule that says no"},
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
            "base": sent,
            "theirs": sent,
            "mine": sent,
            "version": {"type": "integer"},
        },
        optional=("field", "code", "errors", "base", "theirs", "mine", "version"),
    )


def add_components(api_spec: Any) -> None:
    """Describe what the resources share."""
    api_spec.components.schema("Error", _error())
    api_spec.components.schema("Preview", _preview())


def answers(schema: Schema, *more: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what an address answers: its own schema, and the refusals every address has besides ``more``."""
    done: dict[str, Any] = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    if headers:
        done["headers"] = headers
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refused = {code: {"description": PROBLEMS[code], "content": content} for code in (*ALWAYS, *more)}
    return {"200": done, **refused}


ALWAYS = ("400", "401", "403", "404")
WRITING = ("409", "413", "415", "422")
PROBLEMS = {
    "400": "Bad argument",
    "401": "No valid token",
    "403": "Not for this role",
    "404": "Missing, or out of scope",
    "409": "The rules say no",
    "412": "Saved by somebody else since",
    "413": "Too large",
    "415": "Not JSON",
    "422": "A field will not do",
    "428": "If-Match is missing",
    "429": "Too often; Retry-After says when to come back",
}


def _list_operation(screen: Screen) -> dict[str, Any]:
    link = {"type": "string", "nullable": True}
    page = {
        "result": {"type": "array", "items": _row(screen)},
        "count": {"type": "integer", "minimum": 0, "maximum": 10_000},
        "capped": {"type": "boolean"},
        "next": link,
        "previous": link,
    }
    return {
        "tags": [screen.plural], "summary": f"List {screen.plural.lower()}", "operationId": f"list_{screen.resource}",
        "parameters": _parameters(screen), "security": SECURITY, "responses": answers(_exactly(page)),
    }  # fmt: skip


def _past_schema(screen: Screen) -> dict[str, Any]:
    """Return what an answer about a moment holds; of the record's fields, those that the journal keeps."""
    return _exactly({"result": {**_schema(screen), "required": ["id"]}, **PAST})


def _show_operation(screen: Screen) -> dict[str, Any]:
    found = _exactly({"result": _row(screen)})
    past = screen.model.__journal__
    if past:
        found = {"anyOf": [found, _past_schema(screen)]}
    return {
        "tags": [screen.plural],
        "summary": f"Show one of {screen.plural.lower()}",
        "operationId": f"show_{screen.resource}",
        "parameters": [WHERE, AT] if past else [WHERE],
        "security": SECURITY,
        "responses": answers(found, *(("422",) if past else ()), headers=_version_header(screen)),
    }  # fmt: skip


def _row(screen: Screen) -> Schema:
    return {"$ref": f"#/components/schemas/{screen.resource}"}


def _version_header(screen: Screen) -> dict[str, Any]:
    if not hasattr(screen.model, "version"):
        return {}
    schema = {"type": "string", "pattern": '^"[0-9]+"$'}
    return {"ETag": {"description": "the version, for If-Match", "schema": schema}}


# -- writing --------------------------------------------------------------------------------------------------------

WHERE = {"in": "path", "name": "id", "required": True, "schema": ID}
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "a repeated request with the same key and body is done once; plain ASCII",
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string", "pattern": '^((W/)?"[0-9]{1,9}"|[0-9]{1,9})$'},
    "description": 'the version read, such as "3"; 412 when somebody saved the row since',
}
PREVIEW = {
    "in": "query",
    "name": "preview",
    "schema": {"type": "string", "enum": ["1"]},
    "description": "say what the action would do, and do nothing",
}


def _body(fields: Mapping[str, Schema], required: Iterable[str] = ()) -> dict[str, Any]:
    schema = _exactly(dict(fields), optional=set(fields) - set(required))
    if not schema["required"]:  # OpenAPI 3.0 wants at least one name or none of the word
        del schema["required"]
    return {"content": {"application/json": {"schema": schema}}, "required": "required" in schema}


def _write_operation(screen: Screen, verb: str, status: str) -> dict[str, Any]:
    creating = verb == "create"
    fields, required = schemas.of_form(screen.form_class, screen.defaults() if creating else None)
    only_id = _exactly({"id": {"type": "integer"}})
    only_id["description"] = "for a caller who may write such rows but not see them"
    result = _exactly({"result": {"anyOf": [_row(screen), only_id]}})
    conditions = () if creating else ("412", "428")
    answered = answers(result, *WRITING, *conditions, headers=_version_header(screen))
    if creating:
        answered = {status: answered.pop("200") | _made(screen), **answered}
    return {
        "tags": [screen.plural],
        "summary": f"{verb.capitalize()} one of {screen.plural.lower()}",
        "operationId": f"{verb}_{screen.resource}",
        "parameters": [KEY] if creating else [WHERE, IF_MATCH],
        "requestBody": _body(fields, required if creating else ()),
        "security": SECURITY,
        "responses": answered,
    }


def _made(screen: Screen) -> dict[str, Any]:
    """Return what is said besides of a row that was made: where it is, and what to do with it next."""
    where = {"schema": {"type": "string", "pattern": f"^/api/v1/{screen.resource}/[0-9]+$"}}
    headers = {**_version_header(screen), "Location": {"description": "its address", **where}}
    verbs = {"show": True, "edit": screen.can_edit, "delete": screen.can_delete}
    links = {
        verb: {"operationId": f"{verb}_{screen.resource}", "parameters": {"id": "$response.body#/result/id"}}
        for verb, offered in verbs.items()
        if offered
    }
    return {"description": "Created", "headers": headers, "links": links}


def _delete_operation(screen: Screen) -> dict[str, Any]:
    answered = answers({}, *WRITING)
    answered.pop("200")
    return {
        "tags": [screen.plural],
        "summary": f"Delete one of {screen.plural.lower()}",
        "operationId": f"delete_{screen.resource}",
        "parameters": [WHERE],
        "security": SECURITY,
        "responses": {"204": {"description": "Deleted"}} | answered,
    }


def _action_operation(screen: Screen, declared: RowAction) -> dict[str, Any]:
    fields, required = schemas.of_form(declared.form)
    text = {"type": "string", "nullable": True, "pattern": PLAIN}
    fields["fingerprint"] = {**text, "description": "of the preview; a dangerous action needs it"}
    if declared.action.danger:
        fields["confirm"] = {**text, "description": "the record's name, typed to confirm"}
    result = {"anyOf": [_done(), {"$ref": "#/components/schemas/Preview"}]}
    return {
        "tags": [screen.plural],
        "summary": declared.action.label,
        "operationId": declared.action.code.replace(".", "_"),
        "parameters": [*([WHERE] if declared.action.targeted else []), PREVIEW, KEY],
        # A form that starts from the row leaves what is not sent as it is.
        "requestBody": _body(fields, [] if declared.from_row else required),
        "security": SECURITY,
        "responses": answers(result, *WRITING, *(("429",) if declared.action.guessed else ())),
    }


def _done() -> Schema:
    """Return what an action answers that was done."""
    number = {"type": "integer", "nullable": True}
    secret = {"type": "string", "description": "what was made and is told this once"}
    told = {"message": {"type": "string"}, "warnings": TEXTS, "changeset": number, "id": number}
    return _exactly({**told, "secret": secret}, optional=["secret"])


TEXTS: Schema = {"type": "array", "items": {"type": "string"}}


def _preview() -> Schema:
    """Return what an action answers that was only tried: all it would change, and what stands in its way."""
    number, values = {"type": "integer", "nullable": True}, {"type": "object", "nullable": True}
    text = {"type": "string"}
    row = {
        "kind": text, "table": text, "id": number, "label": text, "before": values, "after": values,
        "count": {"type": "integer"},
    }  # fmt: skip
    blocker = {"code": text, "message": text, "id": number}
    return _exactly(
        {
            "possible": {"type": "boolean"},
            "fingerprint": text,
            "rows": {"type": "array", "items": _exactly(row)},
            "blockers": {"type": "array", "items": _exactly(blocker)},
            "errors": {"type": "object", "additionalProperties": text},
            "warnings": TEXTS,
            "sheet": {
                "type": "object",
                "nullable": True,
                "description": "how merged rows fit together, and where they differ",
            },
        }
    )


# -- signing in -----------------------------------------------------------------------------------------------------


def describe_tokens(api_spec: Any, providers: Sequence[str]) -> None:
    """Describe Flask-AppBuilder's own two addresses, at which a program signs in."""
    name: Schema = {"type": "string", "minLength": 1, "pattern": PLAIN}
    asked: dict[str, Schema] = {
        "username": name,
        "password": name,
        "provider": {"type": "string", "enum": list(providers)},
        "refresh": {"type": "boolean", "description": "send a refresh token too"},
        "code": {
            "type": "string",
            "pattern": PLAIN,
            "description": "of the authenticator app, or a recovery code: for who has set up a second step",
        },
    }
    tokens = {"access_token": {"type": "string"}, "refresh_token": {"type": "string"}}
    sign_in = {
        "summary": "Sign in",
        "operationId": "sign_in",
        "requestBody": _body(asked, ("username", "password", "provider")),
        "responses": _token_answers(_exactly(tokens, optional=["refresh_token"]), "400", "401", "403", "429"),
    }
    refresh = {
        "summary": "Renew the access token",
        "operationId": "refresh_token",
        "security": [{"jwt_refresh": []}],
        "responses": _token_answers(_exactly({"access_token": {"type": "string"}}), "401"),
    }
    for verb, operation in (("login", sign_in), ("refresh", refresh)):
        api_spec.path(f"/api/v1/security/{verb}", operations={"post": {"tags": ["Security"], **operation}})


def _token_answers(schema: Schema, *codes: str) -> dict[str, Any]:
    """Return the answers of an address at which a program signs in."""
    texts = {
        "400": "Bad argument",
        "401": "Not signed in",
        "403": "A second step has to be set up first",
        "429": "Too many failed attempts",
    }
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    done = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    return {"200": done, **{code: {"description": texts[code], "content": refusal} for code in codes}}

"""The description of the API: what each resource takes and answers, from the same declarations that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from admin.forms import json_schema
from admin.forms.json_schema import ID, PLAIN, Schema
from admin.listing.cursors import SHAPE
from admin.screen_spec.column_info import OPERATORS, Field
from admin.screen_spec.declare import RowAction
from admin.screen_spec.spec import ScreenSpec
from models.renamed_fields import former

AT: dict[str, Any] = {
    "in": "query",
    "name": "at",
    "schema": {"type": "string", "format": "date-time"},
    "description": "show the record as it was at this time, without what the journal does not keep",
}
PAST: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time", "description": "the time asked for"},
    "known_from": {
        "type": "string",
        "format": "date-time",
        "nullable": True,
        "description": "since when changes have been recorded; null if none were",
    },
    "exists": {"type": "boolean", "description": "whether the record is still there"},
}
"""What an answer about a moment holds besides the record."""

SECURITY: list[dict[str, list[str]]] = [{"jwt": []}, {"api_key": []}]
"""Either opens an address; Flask-AppBuilder describes both schemes."""


def field_names(screen: ScreenSpec) -> list[str]:
    """Return what the API shows of a row: the screen's listed and form columns that are columns or relations."""
    names = dict.fromkeys((*screen.column_list, *screen.form_columns))
    return [name for name in names if screen.field(name).kind != "computed"]


def answered(screen: ScreenSpec) -> dict[str, str]:
    """Return what an answer calls each field of a row -> the field: for one release also what it was called before."""
    names = field_names(screen)
    before = former(screen.model.__tablename__)
    return {name: name for name in names} | {before[name]: name for name in names if name in before}


def describe(screen: ScreenSpec, api_spec: Any) -> None:
    """Describe a resource: its rows, and every address it answers at."""
    name = screen.resource
    api_spec.components.schema(name, _schema(screen))
    many: dict[str, Any] = {"get": _list_operation(screen)}
    one: dict[str, Any] = {"get": _show_operation(screen)} if screen.can_view_details else {}
    if screen.can_create:
        many["post"] = _write_operation(screen, "create", "201")
    if screen.can_edit and screen.form_columns:
        one["patch"] = _write_operation(screen, "edit", "200")
    if screen.can_delete:
        one["delete"] = _delete_operation(screen)
    api_spec.path(f"/api/v1/{name}/", operations=many)
    if one:
        api_spec.path(f"/api/v1/{name}/{{id}}", operations=one)
    for declared in screen.actions():
        where = "/{id}" if declared.action.targeted else ""
        path = f"/api/v1/{name}{where}/actions/{declared.action.verb}"
        api_spec.path(path, operations={"post": _action_operation(screen, declared)})


def _schema(screen: ScreenSpec) -> dict[str, Any]:
    gone = screen.withheld
    properties = {
        name: json_schema.shown(screen.field(field), masked=field in gone) | _renamed(name, field)
        for name, field in answered(screen).items()
    }
    own = {"id": {"type": "integer"}, **properties}
    if hasattr(screen.model, "version"):
        own["version"] = {"type": "integer"}
    return exactly(own)


def _renamed(name: str, field: str) -> Schema:
    """Return what is said besides of a name that an answer has for one release more."""
    return (
        {} if name == field else {"deprecated": True, "description": f"what {field} was called until 0.2.0"}
    )


def exactly(properties: dict[str, Any], optional: Iterable[str] = ()) -> Schema:
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


CURSOR: Schema = {"type": "string", "pattern": f"^{SHAPE}$"}


def _parameters(screen: ScreenSpec) -> list[dict[str, Any]]:
    orders = sorted(screen.permitted_sorts | {"id"})
    found = [
        _query(
            "sort",
            {"type": "string", "enum": [s + n for n in orders for s in ("", "-")]},
            "- in front for descending",
        ),
        _query("page_size", {"type": "integer", "minimum": 1, "maximum": 200}, "rows a page"),
        _query("after", CURSOR, "cursor of the row the page follows, from an answer's next"),
        _query("before", CURSOR, "cursor of the row the page precedes, from an answer's previous"),
        _query("q", {"type": "string", "maxLength": 200, "pattern": PLAIN}, "search"),
    ]
    if screen.views:
        found.append(
            _query(
                "view", {"type": "string", "enum": [v.slug for v in screen.permitted_views]}, "a saved view"
            )
        )
    found += [
        _filter(f, operator) for f in screen.permitted_filters.values() for operator in OPERATORS[f.kind]
    ]
    return found


def _filter(field: Field, operator: str) -> dict[str, Any]:
    schema = json_schema.filtered(field, operator)
    described = _query(f"{field.name}__{operator}", schema, f"{field.name} {field.word(operator)}")
    return {**described, "style": "form", "explode": False} if schema["type"] == "array" else described


TAKEN_BY: Schema = {
    "type": "object",
    "properties": {"resource": {"type": "string"}, "id": ID},
    "description": "the record that has the value already, for users who may see it",
}


def _error() -> Schema:
    """Return what every refusal looks like; the last four only where somebody saved the row since (412)."""
    sent = {"type": "object", "description": "field -> value"}
    return exactly(
        {
            "message": {"type": "string"},
            "request_id": {"type": "string"},
            "field": {"type": "string", "description": "the argument or field it is about"},
            "code": {"type": "string", "description": "the rule that says no"},
            "former_code": {
                "type": "string",
                "deprecated": True,
                "description": "what it was called until 0.2.0",
            },
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
            "taken_by": TAKEN_BY,
            "base": sent,
            "theirs": sent,
            "mine": sent,
            "version": {"type": "integer"},
        },
        optional=("field", "code", "former_code", "errors", "taken_by", "base", "theirs", "mine", "version"),
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
    "403": "No permission",
    "404": "Missing, or out of scope",
    "409": "Refused by a rule",
    "412": "Changed by someone else since",
    "413": "Too large",
    "415": "Not JSON",
    "422": "A field is not valid",
    "428": "If-Match is missing",
    "429": "Too many requests; Retry-After says when to try again",
}


def _list_operation(screen: ScreenSpec) -> dict[str, Any]:
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
        "parameters": _parameters(screen), "security": SECURITY, "responses": answers(exactly(page), "422"),
    }  # fmt: skip


def _past_schema(screen: ScreenSpec) -> dict[str, Any]:
    """Return what an answer about a moment holds; of the record's fields, those that the journal keeps."""
    return exactly({"result": {**_schema(screen), "required": ["id"]}, **PAST})


def _show_operation(screen: ScreenSpec) -> dict[str, Any]:
    found = exactly({"result": _row(screen)})
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


def _row(screen: ScreenSpec) -> Schema:
    return {"$ref": f"#/components/schemas/{screen.resource}"}


def _version_header(screen: ScreenSpec) -> dict[str, Any]:
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
    "description": 'the version read, such as "3"; 412 if someone saved the row since',
}
PREVIEW = {
    "in": "query",
    "name": "preview",
    "schema": {"type": "string", "enum": ["1"]},
    "description": "say what the action would do without doing it",
}


def request_body(fields: Mapping[str, Schema], required: Iterable[str] = ()) -> dict[str, Any]:
    schema = exactly(dict(fields), optional=set(fields) - set(required))
    if not schema["required"]:  # OpenAPI 3.0 wants at least one name or none of the word
        del schema["required"]
    return {"content": {"application/json": {"schema": schema}}, "required": "required" in schema}


def _write_operation(screen: ScreenSpec, verb: str, status: str) -> dict[str, Any]:
    creating = verb == "create"
    fields, required = json_schema.of_form(screen.form_class, screen.defaults() if creating else None)
    only_id = exactly({"id": {"type": "integer"}})
    only_id["description"] = "for a caller who can write these rows but not see them"
    result = exactly({"result": {"anyOf": [_row(screen), only_id]}, **_besides(screen)})
    conditions = () if creating else ("412", "428")
    answered = answers(result, *WRITING, *conditions, headers=_version_header(screen))
    if creating:
        answered = {status: answered.pop("200") | _made(screen), **answered}
    return {
        "tags": [screen.plural],
        "summary": f"{verb.capitalize()} one of {screen.plural.lower()}",
        "operationId": f"{verb}_{screen.resource}",
        "parameters": [KEY] if creating else [WHERE, IF_MATCH],
        "requestBody": request_body(fields, required if creating else ()),
        "security": SECURITY,
        "responses": answered,
    }


def _besides(screen: ScreenSpec) -> dict[str, Schema]:
    """Return what a save answers besides the row."""
    if not screen.alike:
        return {}
    said = "ids of customers whom you may see and who may be the same, by what was sent: staff may merge them"
    return {ALIKE: {"type": "array", "items": ID, "description": said}}


def _made(screen: ScreenSpec) -> dict[str, Any]:
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


def _delete_operation(screen: ScreenSpec) -> dict[str, Any]:
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


def _action_operation(screen: ScreenSpec, declared: RowAction) -> dict[str, Any]:
    fields, required = json_schema.of_form(declared.form)
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
        "requestBody": _some_of(fields, declared) if declared.from_row else request_body(fields, required),
        "security": SECURITY,
        "responses": answers(result, *WRITING, *(("429",) if declared.action.code_param else ())),
    }


def _some_of(fields: Mapping[str, Schema], declared: RowAction) -> dict[str, Any]:
    """Return the body of an action that sets what it is sent of a row and leaves the rest as it is (rule 10.13)."""
    own = sorted(declared.fields)
    if len(own) == 1:
        return request_body(fields, own)
    body = request_body(fields)
    body["content"]["application/json"]["schema"]["anyOf"] = [{"required": [name]} for name in own]
    return body | {"required": True}


def _done() -> Schema:
    """Return what an action answers that was done."""
    number = {"type": "integer", "nullable": True}
    secret = {"type": "string", "description": "what was created and is shown only once"}
    told = {"message": {"type": "string"}, "warnings": TEXTS, "changeset": number, "id": number}
    return exactly({**told, "secret": secret}, optional=["secret"])


ALIKE = "possible_duplicates"
TEXTS: Schema = {"type": "array", "items": {"type": "string"}}


def _preview() -> Schema:
    """Return what an action answers that was only tried: all it would change, and what stands in its way."""
    number, values = {"type": "integer", "nullable": True}, {"type": "object", "nullable": True}
    text = {"type": "string"}
    row = {
        "kind": text, "table": text, "id": number, "label": text, "before": values, "after": values,
        "count": {"type": "integer"},
    }  # fmt: skip
    blocker = {"code": text, "message": text, "id": number, "see": values}
    return exactly(
        {
            "possible": {"type": "boolean"},
            "fingerprint": text,
            "rows": {"type": "array", "items": exactly(row)},
            "blockers": {"type": "array", "items": exactly(blocker)},
            "errors": {"type": "object", "additionalProperties": text},
            "warnings": TEXTS,
            "sheet": {
                "type": "object",
                "nullable": True,
                "description": "how merged rows fit together, and where they differ",
            },
        }
    )

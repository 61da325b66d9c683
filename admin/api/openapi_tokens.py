"""The description of the two addresses at which a program signs in; Flask-AppBuilder serves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admin.api.openapi import exactly, request_body
from admin.forms.json_schema import PLAIN, Schema


def describe_tokens(api_spec: Any, providers: Sequence[str]) -> None:
    """Describe Flask-AppBuilder's own two addresses, at which a program signs in."""
    name: Schema = {"type": "string", "minLength": 1, "pattern": PLAIN}
    asked: dict[str, Schema] = {
        "username": name,
        "password": name,
        "provider": {"type": "string", "enum": list(providers)},
        "refresh": {"type": "boolean", "description": "return a refresh token too"},
        "code": {
            "type": "string",
            "pattern": PLAIN,
            "description": "code from the authenticator app or a recovery code, with two-factor authentication",
        },
    }
    tokens = {"access_token": {"type": "string"}, "refresh_token": {"type": "string"}}
    sign_in = {
        "summary": "Sign in",
        "operationId": "sign_in",
        "requestBody": request_body(asked, ("username", "password", "provider")),
        "responses": _token_answers(exactly(tokens, optional=["refresh_token"]), "400", "401", "403", "429"),
    }
    refresh = {
        "summary": "Renew the access token",
        "operationId": "refresh_token",
        "security": [{"jwt_refresh": []}],
        "responses": _token_answers(exactly({"access_token": {"type": "string"}}), "401"),
    }
    for verb, operation in (("login", sign_in), ("refresh", refresh)):
        api_spec.path(f"/api/v1/security/{verb}", operations={"post": {"tags": ["Security"], **operation}})


def _token_answers(schema: Schema, *codes: str) -> dict[str, Any]:
    """Return the answers of an address at which a program signs in."""
    texts = {
        "400": "Bad argument",
        "401": "Not signed in",
        "403": "Two-factor authentication has to be set up first",
        "429": "Too many failed attempts",
    }
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    done = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    return {"200": done, **{code: {"description": texts[code], "content": refusal} for code in codes}}

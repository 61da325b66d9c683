"""Log in as customer on a shop site of one's own: its server exchanges the hand-over, and asks whether it still stands.

The member of staff's browser posts the token to the shop site; the shop's server sends it here with an API key whose
owner may ``exchange`` (rule 6.14, docs/login-as.md). No other key can ask about what one key has exchanged.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import BaseApi, expose
from sqlalchemy import select
from werkzeug.exceptions import Forbidden, NotFound
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length

from actions.core.base import Refused
from actions.core.journal import plain
from actions.portal import login_as
from actions.portal import login_as_standing as standing
from admin.api import openapi
from admin.api.rest import token_only
from admin.forms import json_body
from admin.forms.json_schema import ID, Schema
from admin.request.context import allowed, call, channels
from models.base import N_, db
from models.login_as import Audience, LoginAs
from models.row_scope import in_scope
from web.arguments import parse_id
from web.request import now, session

NO_KEY = "no_key", N_("Send an API key: only the key that exchanges a login can ask about it later.")
PATH = "/api/v1/login-as"


class TokenForm(Form):
    """The token of a hand-over."""

    token = StringField("token", [InputRequired(), Length(max=200)])


class HandOverApi(BaseApi):
    """The addresses for the server of a shop."""

    resource_name = "login-as"
    class_permission_name = "login_as"
    base_permissions = ("can_exchange",)
    openapi_spec_tag = "Log in as customer"
    allow_browser_login = False

    @expose("/exchange", methods=["POST"])
    @token_only
    def exchange(self) -> Response:
        """Begin a session with the token of a hand-over, which is used up."""
        _check_allowed()
        token = json_body.read(TokenForm, json_body.body()).data["token"]
        key = g.get("api_key")
        if key is None:
            raise Refused(*NO_KEY)
        key_id, asked = key.id, login_as.waiting(session(), token, Audience.SHOP, now())
        if asked is None or not _sees(asked.id):
            raise Refused(*login_as.VOID)
        by = replace(call(), actor=asked.actor)
        session().rollback()
        login_as.begin(db.engine, by, asked, token, Audience.SHOP, key_id)
        return jsonify(_told(asked.id, key_id))

    @expose("/<string:row_id>", methods=["GET"])
    @token_only
    def show(self, row_id: str) -> Response:
        """Answer whether a session still stands; to be asked on every request of it."""
        _check_allowed()
        return jsonify(_told(parse_id("id", row_id), _key_id()))

    @expose("/<string:row_id>/end", methods=["POST"])
    @token_only
    def end(self, row_id: str) -> Response:
        """End a session, because the member of staff says so; one that is over stays so."""
        _check_allowed()
        found = _found(parse_id("id", row_id), _key_id())
        by = replace(call(), actor=login_as.actor_of(found))
        wanted, key_id = found.id, _key_id()
        session().rollback()
        login_as.end(db.engine, by, wanted, standing.ENDED_BY_SHOP)
        return jsonify(_told(wanted, key_id))

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe the addresses."""
        token: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
        exchange = _operation("exchange", "Exchange the token of a hand-over for a session", *openapi.WRITING)
        exchange["requestBody"] = openapi.request_body({"token": token}, ("token",))
        about: dict[str, Any] = {"parameters": [openapi.WHERE]}
        show = _operation("show", "Show whether a session still stands") | about
        end = _operation("end", "End a session", *openapi.WRITING) | about
        api_spec.path(f"{PATH}/exchange", operations={"post": exchange})
        api_spec.path(f"{PATH}/{{id}}", operations={"get": show})
        api_spec.path(f"{PATH}/{{id}}/end", operations={"post": end})


def _operation(name: str, summary: str, *more: str) -> dict[str, Any]:
    return {
        "tags": ["Log in as customer"],
        "summary": summary,
        "operationId": f"hand_over_{name}",
        "security": openapi.SECURITY,
        "responses": openapi.answers(_schema(), *more),
    }


def _check_allowed() -> None:
    """:raises Forbidden: the caller, or the scope of their key, lacks the permission."""
    if not allowed("exchange", "login_as"):
        raise Forbidden


def _key_id() -> int:
    """Return the id of the caller's key; 0, which none has, where they show another token."""
    key = g.get("api_key")
    return key.id if key is not None else 0


def _sees(row_id: int) -> bool:
    """Return whether it is about a customer whom the owner of the key sees (rule 17)."""
    scope = in_scope(LoginAs, channels())
    wanted = select(LoginAs.id).where(LoginAs.id == row_id)
    return scope is None or session().scalar(wanted.where(scope)) is not None


def _found(row_id: int, key_id: int) -> LoginAs:
    """Return what a key has exchanged. :raises NotFound: another one did, or nobody, or its owner does not see it."""
    row = session().scalar(select(LoginAs).where(LoginAs.id == row_id, LoginAs.api_key_id == key_id))
    if row is None or not _sees(row_id):
        raise NotFound
    return row


def _told(row_id: int, key_id: int) -> dict[str, Any]:
    """Return what the shop is told of a session: whether it stands is as of this moment."""
    session().rollback()
    row = _found(row_id, key_id)
    why = standing.causes(session(), [row.id], now())[row.id]
    may_act = session().scalar(select(standing.MAY_ACT).where(LoginAs.id == row.id))
    return {
        "id": row.id,
        "customer": row.customer_id,
        "staff_name": str(row.member),
        "read_only": not may_act,
        "ends_at": _instant(row.ends_at),
        "stands": why is None,
        "ended_because": why,
    }


def _instant(moment: dt.datetime | None) -> Any:
    return plain(moment)


def _schema() -> Schema:
    return openapi.exactly(
        {
            "id": ID,
            "customer": ID,
            "staff_name": {"type": "string"},
            "read_only": {"type": "boolean", "description": "whether nothing may be changed"},
            "ends_at": {
                "type": "string",
                "format": "date-time",
                "description": "when it is over at the latest",
            },
            "stands": {
                "type": "boolean",
                "description": "whether it goes on; sign the browser out where not",
            },
            "ended_because": {"type": "string", "nullable": True},
        }
    )

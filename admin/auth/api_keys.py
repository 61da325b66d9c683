"""Signing a request in by its API key."""

from __future__ import annotations

from flask import g, request

from actions.staff import api_keys
from admin.auth.two_factor import TwoFactorRequired
from admin.request.context import has_passwords
from models.base import db
from web.request import now, session, today


def sign_in() -> bool:
    """Take the caller for the owner of the key they show, if it is one and is good.

    Return whether the request shows a key at all. A wrong, revoked or expired key, or one of a person who may not
    sign in any more, leaves nobody signed in, so that all of them answer alike.

    :raises TwoFactorRequired: its owner has to set up a second step first.
    """
    scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.startswith(api_keys.MARK):
        return False
    found = api_keys.find(session(), key.strip())
    if found is not None:
        row, owner, must_enrol = found
        if must_enrol and has_passwords():
            raise TwoFactorRequired
        if row.expires_on is None or today() <= row.expires_on:
            g.user, g.api_key = owner, row
            api_keys.mark_used(db.engine, row, now())
    return True

"""A shop whose clock can be moved, and people who sign in at its channels."""

import datetime as dt
from typing import Any

from tests import application, factories
from tests.admin.conftest import Shop

NOW = factories.NOW
GOOD = {"username": "support", "password": application.PASSWORD}
BAD = {"username": "support", "password": "not this one, sorry"}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> dt.datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += dt.timedelta(**by)


class Place(Shop):
    """A shop whose clock can be moved."""

    clock: Clock

    def form(self, given: dict[str, str], client: Any = None, address: str = "127.0.0.1") -> Any:
        """Sign in by the form, from an address."""
        client = client or application.browser(self.app)
        token = client.csrf_token()
        return client.post(
            "/login/", data={**given, "csrf_token": token}, environ_overrides={"REMOTE_ADDR": address}
        )

    def api_sign_in(self, given: dict[str, str], address: str = "127.0.0.1", **more: Any) -> Any:
        """Sign in at the API, from an address."""
        body = {**given, "provider": "db", **more}
        overrides = {"REMOTE_ADDR": address}
        return self.app.test_client().post("/api/v1/security/login", json=body, environ_overrides=overrides)

    def signed_in(self, given: dict[str, str] = GOOD) -> Any:
        """A browser in which somebody has signed in by the form."""
        client = application.browser(self.app)
        assert self.form(given, client).status_code == 302
        return client


def is_in(client: Any) -> bool:
    """Whether a browser is signed in."""
    return bool(client.get("/admin/").status_code == 200)

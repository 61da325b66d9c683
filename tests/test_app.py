"""The factory and the deployment settings."""

from __future__ import annotations

import pytest

from config import Settings, SettingsError
from tests.application import PASSWORD


def test_forms_work_over_tls_although_our_pages_send_no_referer(app):
    client, base = app.test_client(), "https://localhost"
    page = client.get("/login/", base_url=base).get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post(
        "/login/", data={"csrf_token": token, "username": "admin", "password": PASSWORD}, base_url=base
    )
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "not an address"}, "DATABASE_URL"),
        ({"DEMO_CUSTOMERS": "-1"}, "DEMO_CUSTOMERS"),
        ({"TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES"),
        ({"HOST": "0.0.0.0"}, "PUBLIC_BASE_URL"),
        ({"HOST": "0.0.0.0", "PUBLIC_BASE_URL": "https://desk.example.org"}, "SECRET_KEY"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(environment, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(environment)


def test_a_public_address_is_trusted_and_over_https_makes_cookies_secure():
    settings = Settings.from_environment(
        {"HOST": "0.0.0.0", "PUBLIC_BASE_URL": "https://desk.example.org", "SECRET_KEY": "k" * 40}
    )
    assert "desk.example.org" in settings.trusted_hosts
    assert settings.behind_tls


def test_a_plain_postgresql_address_gets_the_driver_we_ship():
    settings = Settings.from_environment(
        {"DATABASE_URL": "postgresql://u:p@h/clientele", "SECRET_KEY": "k" * 40}
    )
    assert settings.database_url == "postgresql+psycopg://u:p@h/clientele"

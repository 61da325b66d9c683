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


MAIL = {"MAIL_SERVER": "smtp.example.org", "MAIL_DEFAULT_SENDER": "shop@example.org"}


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"MAIL_SERVER": "smtp://example.org"}, "MAIL_SERVER"),
        ({"MAIL_DEFAULT_SENDER": ""}, "MAIL_DEFAULT_SENDER"),
        ({"MAIL_DEFAULT_SENDER": "the shop"}, "MAIL_DEFAULT_SENDER"),
        ({"MAIL_DEFAULT_SENDER": "a@b.org\nBcc: c@d.org"}, "MAIL_DEFAULT_SENDER"),
        ({"MAIL_PORT": "smtp"}, "MAIL_PORT"),
        ({"MAIL_USE_TLS": "maybe"}, "MAIL_USE_TLS"),
        ({"MAIL_USE_TLS": "1", "MAIL_USE_SSL": "1"}, "not both"),
        ({"MAIL_USERNAME": "shop"}, "MAIL_PASSWORD"),
        ({"MAIL_PASSWORD": "hush"}, "MAIL_USERNAME"),
        ({"MAIL_USERNAME": "shop", "MAIL_PASSWORD": "hush"}, "unencrypted"),
        ({"PUBLIC_BASE_URL": "javascript:alert(1)"}, "PUBLIC_BASE_URL"),
        ({"PUBLIC_BASE_URL": 'https://desk.example.org/"><b>'}, "PUBLIC_BASE_URL"),
    ],
)
def test_a_mail_setting_that_cannot_work_is_refused_by_name(environment, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment({**MAIL, **environment})


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({}, 25),
        ({"MAIL_USE_TLS": "yes"}, 587),
        ({"MAIL_USE_SSL": "true"}, 465),
        ({"MAIL_PORT": "2525"}, 2525),
    ],
)
def test_the_usual_port_goes_with_the_encryption(environment, port):
    mail = Settings.from_environment({**MAIL, **environment}).mail
    assert (mail.server, mail.port, mail.sender, mail.timeout) == (
        "smtp.example.org",
        port,
        "shop@example.org",
        10,
    )


def test_without_a_mail_server_nothing_else_is_asked():
    assert Settings.from_environment({"MAIL_PORT": "2525"}).mail is None


def test_the_password_of_the_mail_server_is_in_no_log():
    given = {**MAIL, "MAIL_USE_TLS": "1", "MAIL_USERNAME": "shop", "MAIL_PASSWORD": "hush-hush"}
    settings = Settings.from_environment(given)
    assert settings.mail.password == "hush-hush"
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "base"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"HOST": "::1", "PORT": "8000"}, "http://[::1]:8000"),
        ({"PUBLIC_BASE_URL": "https://desk.example.org/"}, "https://desk.example.org"),
    ],
)
def test_links_begin_with_the_address_people_use(environment, base):
    assert Settings.from_environment(environment).base_url == base

"""While demo accounts exist nobody but this machine is answered, whatever a request says of itself."""

from typing import Any

import pytest
from flask import Flask

from config import Settings, is_loopback
from demo import demo_staff
from tests import application
from tests.databases import Database
from web.origin import trusted_hosts

REMOTE, PROXY = "203.0.113.9", "127.0.0.1"


@pytest.fixture
def demo(database: Database) -> Any:
    """An application on a database with demo staff, for a number of trusted proxies."""
    from sqlalchemy.orm import Session

    with Session(database.desk) as session, session.begin():
        demo_staff(session, lambda password: f"not {password}")
    return lambda proxies: application.make(database.url, trusted_proxies=proxies)


def status(app: Flask, address: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = app.test_client().get("/login/", headers=named, environ_overrides={"REMOTE_ADDR": address})
    return int(answer.status_code)


@pytest.mark.either_database
def test_the_demo_answers_this_machine_alone_whatever_host_is_asked_for(demo: Any) -> None:
    app = demo(0)
    for address in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"):
        assert status(app, address) == 200, address
    for address in (REMOTE, "10.0.0.5", "fe80::1", "::ffff:203.0.113.9", "", "localhost"):
        for host in ("localhost", "127.0.0.1"):
            assert status(app, address, Host=host) == 503, address
    assert status(app, REMOTE, Host="elsewhere.example") == 400
    health = app.test_client().get("/healthz", environ_overrides={"REMOTE_ADDR": REMOTE})
    assert health.status_code == 200


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X_Forwarded_For", "127.0.0.1"), ("X_Forwarded_Proto", "http"), ("X_Forwarded_Host", "localhost"),
        ("X_Real_IP", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("Via", "1.1 front"),
    ],
)  # fmt: skip
def test_what_a_proxy_asks_that_is_not_configured_is_not_local(demo: Any, header: str, value: str) -> None:
    assert status(demo(0), PROXY, **{header: value}) == 503


@pytest.mark.either_database
def test_a_configured_proxy_is_believed_and_no_further_one(demo: Any) -> None:
    app = demo(1)
    assert status(app, PROXY) == 200
    assert (
        status(app, PROXY, X_Forwarded_For="127.0.0.1", X_Real_IP="127.0.0.1", X_Forwarded_Proto="http")
        == 200
    )
    assert status(app, PROXY, X_Forwarded_For=REMOTE) == 503
    assert status(app, PROXY, X_Forwarded_For=f"{REMOTE}, 127.0.0.1") == 503, "somebody stands before it"
    assert status(app, PROXY, X_Real_IP=REMOTE) == 503
    assert status(app, PROXY, Forwarded="for=127.0.0.1") == 503
    assert status(app, REMOTE, X_Forwarded_For="127.0.0.1") == 503, (
        "whoever sends this is no proxy of this machine"
    )


def test_only_addresses_are_this_machines() -> None:
    assert [is_loopback(text) for text in ("127.0.0.1", "[::1]", "127.1.2.3")] == [True] * 3
    assert [is_loopback(text) for text in ("0.0.0.0", "::", "localhost", "unknown", "")] == [False] * 5


ANSWERED = (
    "[::1]",
    "[::1]:5000",
    "localhost:5000",
    "127.0.0.1",
    "[fd00::5]:8443",
    "[fd00::5]",
    "desk.example.org",
)
STRANGERS = ("[::2]", "[", "[::", "[fd00::6]:8443", "[::1].example.org", "elsewhere.example", "::1")


@pytest.mark.either_database
def test_a_server_on_an_ipv6_address_answers_by_that_address_and_no_other(database: Database) -> None:
    named = Settings.from_environment(
        {
            "HOST": "::1",
            "PUBLIC_BASE_URL": "https://[FD00:0::5]:8443/desk",
            "TRUSTED_HOSTS": "desk.example.org",
        }
    ).trusted_hosts
    app = application.make(database.url, trusted_hosts=named)
    assert {host: status(app, "::1", Host=host) for host in ANSWERED} == dict.fromkeys(ANSWERED, 200)
    assert {host: status(app, "::1", Host=host) for host in STRANGERS} == dict.fromkeys(STRANGERS, 400)


@pytest.mark.parametrize("base", ["https://[::1]", "https://[::1]/desk", "http://[0:0::1]:80"])
def test_the_host_of_an_address_is_trusted_with_or_without_a_port(base: str) -> None:
    named = Settings.from_environment({"PUBLIC_BASE_URL": base}).trusted_hosts
    assert "[::1]" in trusted_hosts(named[3:])

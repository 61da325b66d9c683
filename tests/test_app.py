"""The factory and the deployment settings."""

from __future__ import annotations

import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask.cli
import pytest
from click.testing import CliRunner
from werkzeug.routing import Map, Rule

import app as factory
import config
from admin.site.binding import OnThisMachine
from admin.site.routing import LateRule
from config import Settings, SettingsError
from models.vault import is_key
from tests.application import PASSWORD
from tests.keyring import a_key
from tests.scale import scaled

BEYOND = {"HOST": "0.0.0.0", "PUBLIC_BASE_URL": "https://desk.example.org"}


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
        ({"READ_SECONDS": "0"}, "READ_SECONDS must be a whole number from 1 to 600"),
        ({"LOCK_SECONDS": "0"}, "LOCK_SECONDS must be a whole number from 1 to 600"),
        ({"TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES"),
        ({"HOST": "0.0.0.0"}, "PUBLIC_BASE_URL"),
        (BEYOND, "set SECRET_KEY"),
        ({**BEYOND, "SECRET_KEY": "k" * 40}, "set ENCRYPTION_KEYS"),
        ({"ENCRYPTION_KEYS": ","}, "ENCRYPTION_KEYS: key 1 is not a whole key"),
        ({"ENCRYPTION_KEYS": f"{a_key(2)}, {a_key(3)[:-2]}"}, "ENCRYPTION_KEYS: key 2 is not a whole key"),
        ({"ENCRYPTION_KEYS": a_key(2), "SECRET_KEY": a_key(2)}, "must be different"),
        ({"SECRET_KEY": "k" * 31}, "SECRET_KEY is too short"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(environment, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(environment)


def test_a_server_whose_settings_cannot_work_ends_with_the_sentence(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(SystemExit) as ended:
        factory.serve()
    assert ended.value.code == factory.CANNOT_START
    assert capsys.readouterr().err == "PORT must be a whole number from 1 to 65535, not 'eighty'.\n"
    done = CliRunner().invoke(flask.cli.cli, ["--app", "app", "up"])
    assert done.exit_code != 0
    assert "Error: PORT must be a whole number" in done.output
    assert "Traceback" not in done.output


def test_pages_read_for_two_seconds_and_wait_five_for_others_unless_told_otherwise():
    usual, told = (
        Settings.from_environment(given) for given in ({}, {"READ_SECONDS": "4", "LOCK_SECONDS": "9"})
    )
    assert (usual.read_seconds, usual.lock_seconds) == (2, 5)
    assert (told.read_seconds, told.lock_seconds) == (4, 9)


def test_a_public_address_is_trusted_and_over_https_makes_cookies_secure():
    settings = Settings.from_environment({**BEYOND, "SECRET_KEY": "k" * 40, "ENCRYPTION_KEYS": a_key(2)})
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
        ({"PUBLIC_BASE_URL": "https://[::1"}, "PUBLIC_BASE_URL"),
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


# -- the key of this machine ------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps what is its own, with nothing there yet."""
    monkeypatch.setattr(config, "ROOT", tmp_path)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("given", [{"name": "a b", "rule": "x", "self": "y"}, {"name": "ü"}])
def test_a_rule_that_is_compiled_late_makes_the_addresses_that_werkzeug_makes(given):
    made = [
        Map(
            [
                kind("/<string:name>/<int:id>/", endpoint="page", defaults={"id": 1}),
                kind("/all/", endpoint="all"),
            ]
        )
        .bind("host")
        .build("page", given)
        for kind in (Rule, LateRule)
    ]
    assert made[0] == made[1]


@pytest.mark.soak
def test_of_many_first_starts_at_once_all_have_the_same_key(root):
    def start(_number):
        found = Settings.from_environment({})
        return found.secret_key, found.encryption_keys

    for _turn in range(scaled(20, least=1)):
        with ThreadPoolExecutor(16) as pool:
            keys = set(pool.map(start, range(150)))
        assert len(keys) == 1
        secret_key, (encryption_key,) = keys.pop()
        assert len(secret_key) == 64
        assert is_key(encryption_key)
        files = sorted((root / "instance").iterdir())
        assert [path.name for path in files] == ["encryption_key", "secret_key"], "no draft is left"
        for path in files:
            path.unlink()


def test_the_key_and_its_folder_are_nobody_elses_to_read_and_become_so(root):
    Settings.from_environment({})
    folder, keys = root / "instance", [root / "instance" / name for name in ("secret_key", "encryption_key")]
    assert [mode(path) for path in (folder, *keys)] == [0o700, 0o600, 0o600]
    folder.chmod(0o755)
    for key in keys:
        key.chmod(0o644)
    again = Settings.from_environment({})
    assert [mode(path) for path in (folder, *keys)] == [0o700, 0o600, 0o600]
    assert [again.secret_key, *again.encryption_keys] == [key.read_text() for key in keys]
    assert (again.key_is_kept, again.encryption_is_kept) == (True, True)
    assert again.encryption_keys[0] not in repr(again)


@pytest.mark.parametrize("text", ["", "\n", "short", "k" * 31])
def test_a_key_file_that_holds_no_whole_key_is_refused(root, text):
    (root / "instance").mkdir()
    (root / "instance" / "secret_key").write_text(text)
    with pytest.raises(SettingsError, match=r"secret_key holds no complete key. Delete it"):
        Settings.from_environment({})


@pytest.mark.parametrize("text", ["", "\n", "short", a_key(2)[:-1], f"{a_key(2)}\nhalf", "\x00\ufffd"])
def test_a_file_of_encryption_keys_that_is_damaged_is_refused_and_never_replaced(root, text):
    file = root / "instance" / "encryption_key"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"encryption_key holds no whole key: put back the copy"):
        Settings.from_environment({})
    assert file.read_text() == text


def test_a_file_of_encryption_keys_holds_several_while_they_change(root):
    (root / "instance").mkdir()
    (root / "instance" / "encryption_key").write_text(f"{a_key(2)}\n{a_key(3)}\n")
    assert Settings.from_environment({}).encryption_keys == (a_key(2), a_key(3))
    given = Settings.from_environment({"ENCRYPTION_KEYS": f"{a_key(4)}, {a_key(3)}"})
    assert (given.encryption_keys, given.encryption_is_kept) == ((a_key(4), a_key(3)), False)


def test_a_place_that_takes_no_key_is_named(root, monkeypatch):
    def full(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.private.os.link", full)
    with pytest.raises(
        SettingsError, match=r"secret_key cannot be written \(No space left on device\): set SECRET_KEY"
    ):
        Settings.from_environment({})
    assert list((root / "instance").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "refused"), [("0.0.0.0", True), ("127.0.0.1", False), ("::", True), ("::1", False)]
)
def test_who_listens_beyond_this_machine_needs_a_key_however_it_was_told_to(root, address, refused):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        server.listen()
        if refused:
            with pytest.raises(SettingsError, match="set SECRET_KEY"):
                Settings.from_environment({})
            with pytest.raises(SettingsError, match="set ENCRYPTION_KEYS"):
                Settings.from_environment({"SECRET_KEY": "k" * 40})
        else:
            assert Settings.from_environment({}).key_is_kept
        given = Settings.from_environment({"SECRET_KEY": "k" * 40, "ENCRYPTION_KEYS": a_key(2)})
        assert (given.key_is_kept, given.encryption_is_kept) == (False, False)


@pytest.mark.parametrize(
    ("server", "caller", "status"),
    [
        ("127.0.0.1", "127.0.0.1", 200), ("::1", "::1", 200), ("127.0.0.1", "10.0.0.9", 200),
        ("0.0.0.0", "127.0.0.1", 503), ("::", "::1", 503), ("192.0.2.7", "192.0.2.9", 503),
        ("desk", "127.0.0.1", 200), ("desk", "192.0.2.9", 503), ("desk", "::ffff:192.0.2.9", 503), ("desk", "", 200),
    ],
)  # fmt: skip
def test_a_request_over_a_socket_that_others_reach_is_refused_without_a_key(server, caller, status):
    told = []

    def fine(environ, start):
        start("200 OK", [])
        return [b"fine"]

    guarded = OnThisMachine(fine)
    body = guarded({"SERVER_NAME": server, "REMOTE_ADDR": caller}, lambda line, headers: told.append(line))
    assert told[0].startswith(str(status))
    assert (b"".join(body) == b"fine") == (status == 200)


def test_only_a_server_with_the_key_of_its_machine_asks_that(app):
    answer = app.test_client().get("/healthz", environ_overrides={"SERVER_NAME": "0.0.0.0"})
    assert answer.status_code == 200

"""The rig keeps its promises: one application for all tests, and no test leaves this machine."""

import ast
import asyncio
import re
import smtplib
import socket
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import application, network, scale
from tests.databases import KINDS, Database, recorded_statements
from tools import check_templates

ROOT = Path(__file__).resolve().parent.parent


def test_one_application_serves_every_test_of_a_kind(app: Flask, database: Database) -> None:
    from models.base import db

    with app.app_context():
        assert db.engine.dialect.name == database.kind
        assert db.session.scalar(sa.text("SELECT COUNT(*) FROM ab_user")) == len(application.USERNAMES)


def test_statements_are_counted(app: Flask) -> None:
    from models.base import db

    with app.app_context(), recorded_statements() as seen:
        db.session.execute(sa.text("SELECT 1"))
        db.session.execute(sa.text("SELECT 2"))
    assert [text for text in seen if text.startswith("SELECT")] == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize("role", application.USERNAMES)
def test_every_shipped_role_can_sign_in(as_role, role: str) -> None:
    assert as_role(role).get("/admin/").status_code == 200


def elsewhere(work: Callable[[], Any]) -> Any:
    """Do something in a thread of its own: in this one a browser's loop may still be running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.mark.parametrize(
    ("reach", "named"),
    [
        (lambda: socket.socket().connect(("192.0.2.1", 80)), "192.0.2.1:80"),
        (lambda: socket.socket().connect_ex(("192.0.2.1", 80)), "192.0.2.1:80"),
        (lambda: socket.create_connection(("192.0.2.1", 80)), "192.0.2.1"),
        (lambda: urllib.request.urlopen("http://example.test/"), "example.test"),
        (lambda: socket.getaddrinfo("example.test", 80), "example.test"),
        (lambda: socket.gethostbyname("example.test"), "example.test"),
        (lambda: socket.gethostbyname_ex("example.test"), "example.test"),
        (lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"?", ("192.0.2.1", 53)), "192.0.2.1:53"),
        (lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"?", 0, ("192.0.2.1", 53)), "192.0.2.1:53"),
        (
            lambda: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"?"], [], 0, ("192.0.2.1", 53)),
            "192.0.2.1:53",
        ),
        (lambda: elsewhere(lambda: asyncio.run(asyncio.open_connection("192.0.2.1", 80))), "192.0.2.1"),
        (lambda: smtplib.SMTP("127.0.0.1", 25), "smtplib"),
        (lambda: smtplib.SMTP("127.0.0.1:25"), "smtplib"),
        (lambda: smtplib.SMTP_SSL("127.0.0.1"), "smtplib"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_guard_stops_what_leaves_this_machine(reach, named: str) -> None:
    with pytest.raises(network.NetworkBlockedError, match=named):
        reach()
    assert any(named in attempt for attempt in network.take_attempts())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", b"127.0.0.1", "", "0.0.0.0"])
def test_this_machine_is_local(host: str | bytes) -> None:
    assert network.is_local(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "example.test", "2001:db8::1", "localhost.example.test"]
)
def test_others_are_not_local(host: str) -> None:
    assert not network.is_local(host)


def test_a_mail_server_is_reached_only_while_a_test_runs_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with network.mail_server(port), pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            smtplib.SMTP("127.0.0.1", port, timeout=0.05)
        with network.mail_server(port), pytest.raises(network.NetworkBlockedError):
            smtplib.SMTP("192.0.2.1", port)
        with pytest.raises(network.NetworkBlockedError):
            smtplib.SMTP("127.0.0.1", port)
    assert len(network.take_attempts()) == 2


def test_a_swallowed_attempt_still_fails_the_test(pytester_run) -> None:
    outcome = pytester_run(
        "import contextlib, socket\n"
        "def test_sneaky():\n"
        "    with contextlib.suppress(Exception):\n"
        "        socket.getaddrinfo('example.test', 80)\n"
    )
    assert "the test tried to leave this machine" in outcome.stdout
    assert outcome.returncode == 1


@pytest.fixture
def pytester_run(tmp_path: Path):
    """Run pytest, with this project's rig, on one file of its own."""

    def run(source: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "conftest.py").write_text(
            "from tests.conftest import *\nfrom tests.conftest import _stay_on_this_machine\n"
        )
        (tmp_path / "test_it.py").write_text(source)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


def test_the_import_contracts_know_every_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found = {path.name for path in ROOT.iterdir() if any(path.glob("*.py")) and path.name in LAYERS}
    assert found == set(settings["root_packages"])


LAYERS = {"models", "actions", "web", "admin", "portal", "jobs", "demo"}


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ('<p style="color: red"></p>', "style="),
        ('<p onclick="x()"></p>', "onclick="),
        ('<a href="javascript:x()">{{ x }}</a>', "runs a script"),
        ("<script>x()</script>", "nonce"),
        ("<style>p {}</style>", "nonce"),
        ('<script src="https://cdn.test/x.js"></script>', "another host"),
        ("{{ x|safe }}", "safe"),
        ("{% autoescape false %}{{ x }}{% endautoescape %}", "autoescape"),
        ("{{ Customer.query.all() }}", "query"),
        ("<p>Hello there</p>", "translation"),
        ('<img src="/x.png" alt="A picture">', "translation"),
        ("{% if %}", "parse"),
    ],
)
def test_the_template_check_finds(template: str, complaint: str) -> None:
    assert any(complaint in text for _, text in check_templates.findings(template))


def test_only_a_mail_is_styled_on_its_tags() -> None:
    mail = '<p style="margin:0">{{ x }}</p>'
    assert list(check_templates.findings(mail, styled=True)) == []
    assert [text for _, text in check_templates.findings(f"{mail}<p onclick='x()'></p>", styled=True)]
    assert check_templates.is_mail(ROOT / "templates" / "mail" / "_base.html")
    assert not check_templates.is_mail(ROOT / "templates" / "admin" / "home.html")


def test_the_template_check_passes_what_the_house_does() -> None:
    good = """{% macro key(k) %} data-key="{{ k }}"{% endmacro %}{# A comment of words #}
        {% extends "layout.html" %}{% block body %}
        <h1>{{ _("Customers") }} · {{ count }}</h1><p>{% trans %}One {{ x }} of many{% endtrans %}</p>
        <script nonce="{{ csp_nonce() }}">start()</script>
        <script type="application/json">{{ data|tojson }}</script>
        <a href="{{ url_for("x", q='a "b"') }}" {% if x %}class="on"{% endif %}>{{ x }}</a>{% endblock %}"""
    assert list(check_templates.findings(good)) == []


SIZED = r"\b(scaled|sampled|one_by_name)\("


def _is_sized(source: str) -> bool:
    return re.search(SIZED, source) is not None


def _scaled_tests(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, source) of the tests of a file whose size is scaled, by themselves or by a name of the file."""
    text = path.read_text(encoding="utf-8")
    body, lines = ast.parse(text).body, text.splitlines()
    source = {node: "\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in body}
    names = [t.id for n in body if isinstance(n, ast.Assign) and _is_sized(source[n]) for t in n.targets]
    sized = re.compile("|".join([SIZED, *(rf"\b{name}\b" for name in names)]))
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            whole = "\n".join([*(ast.unparse(d) for d in node.decorator_list), source[node]])
            if sized.search(whole):
                yield node.name, whole


def test_what_is_tried_at_a_hundredth_is_tried_in_full_by_a_soak() -> None:
    found = [(f"{p.name}::{n}", t) for p in (ROOT / "tests").rglob("test_*.py") for n, t in _scaled_tests(p)]
    assert len(found) > 15
    assert [name for name, whole in found if "mark.soak" not in whole] == []


class Case:
    """A collected test, as far as its choice goes: one of the loops over the values ``of`` its parameters."""

    def __init__(
        self, name: str, *marks: str, of: dict[str, Sequence[str]] | None = None, **params: str
    ) -> None:
        self.nodeid = f"tests/test_x.py::{name}[{'-'.join(params.values())}]"
        self.callspec = SimpleNamespace(params=params)
        self._marks = [SimpleNamespace(name=mark) for mark in marks]
        self._marks += [SimpleNamespace(name="parametrize", args=loop) for loop in (of or {}).items()]

    def get_closest_marker(self, name: str) -> Any:
        """Its mark of that name."""
        return next(iter(self.iter_markers(name)), None)

    def iter_markers(self, name: str = "") -> list[Any]:
        """Its marks; none of them gives it a database unless it is one of a loop over them."""
        return [mark for mark in self._marks if name in ("", mark.name)]


MARKS = [
    (), ("soak",), ("either_database",), ("half_on_either",), ("both_databases",), ("every_case",), ("every_case", "soak"),
]  # fmt: skip
LOOPS = [f"test_{letter}" for letter in "abcdefghijklmnopqrst"]


def _loop(name: str, marks: tuple[str, ...], resources: tuple[str, ...]) -> list[Case]:
    of = {"resource": resources}
    return [
        Case(name, *marks, of=of, database_kind=kind, resource=one) for one in resources for kind in KINDS
    ]


@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("resources", [("customer",), scale.ALIKE])
def test_a_usual_run_and_a_soak_leave_no_case_out(marks: tuple[str, ...], resources: tuple[str, ...]) -> None:
    loop = _loop("test_x", marks, resources)
    usual = [case for case in loop if not scale.is_passed_over(case, full=False)]
    soak = [case for case in loop if not scale.is_passed_over(case, full=True)]
    assert {*usual, *soak} == {*loop}
    assert len(usual) == (
        2 if marks == ("both_databases",) and "customer" in resources
        else len(resources) if "every_case" in marks
        else 1
    )  # fmt: skip
    assert len(soak) == (len(loop) if "soak" in marks else len(loop) - len(usual))


SCREENS = tuple(f"screen_{n}" for n in range(40))
ACTIONS = tuple(f"customer.do_{n}" for n in range(60))


@pytest.mark.parametrize("named", [(), ("sqlite",), ("postgresql",)])
@pytest.mark.parametrize(("argument", "values"), [("resource", SCREENS), ("code", ACTIONS)])
def test_each_loop_over_all_tries_another_fifth_and_a_soak_the_others(
    named: tuple[str, ...], argument: str, values: tuple[str, ...]
) -> None:
    of = {argument: values, **({"database_kind": named} if named else {})}
    fifths = []
    for name in LOOPS:
        loop = [
            Case(name, of=of, database_kind=kind, **{argument: value})
            for value in values
            for kind in named or KINDS
        ]
        usual = [case for case in loop if not scale.is_passed_over(case, full=False)]
        assert {*usual, *(case for case in loop if not scale.is_passed_over(case, full=True))} == {*loop}
        tried = [case.callspec.params[argument] for case in usual]
        assert len(tried) == len(set(tried)), "each once"
        assert 0.05 < len(tried) / len(values) < 0.5
        fifths.append(set(tried))
    assert set().union(*fifths) == set(values)


def test_a_loop_over_all_that_tries_statements_tries_a_half_on_either_and_a_soak_the_rest() -> None:
    ever = {kind: set[str]() for kind in KINDS}
    for name in LOOPS:
        loop = _loop(name, ("both_databases",), SCREENS)
        usual = [case.callspec.params for case in loop if not scale.is_passed_over(case, full=False)]
        assert len(usual) + sum(not scale.is_passed_over(case, full=True) for case in loop) == len(loop)
        tried = [given["resource"] for given in usual]
        assert len(tried) == len(set(tried)), "each once"
        assert 0.3 < len(tried) / len(SCREENS) < 0.7
        for given in usual:
            ever[given["database_kind"]].add(given["resource"])
    assert ever["sqlite"] == ever["postgresql"] == set(SCREENS), "on either by one loop or another"


def test_what_is_marked_so_and_what_is_tried_on_a_few_is_tried_on_each() -> None:
    for marks, values in ((("every_case",), SCREENS), ((), SCREENS[: scale.OF_ALL - 1])):
        loop = _loop("test_x", marks, values)
        usual = [case for case in loop if not scale.is_passed_over(case, full=False)]
        assert sorted(case.callspec.params["resource"] for case in usual) == sorted(values)


OF_EVERY_SCREEN = {
    "screen/test_screens.py": "test_a_record_is_created_shown_edited_and_journalled",
    "screen/test_statements.py": "test_a_record_takes_at_most_twenty_five_statements",
    "row_actions/test_acting.py": "test_it_is_refused_previewed_done_once_and_taken_back",
    "privacy/test_masks.py": "test_no_list_tab_file_or_answer_tells_a_secret",
    "api/test_rest.py": "test_only_a_bearer_token_opens_it_never_the_cookie",
}
"""Where each run sees of every screen that its form saves and its record opens, of every action that it asks for its
permission, of every answer that it hides what is hidden. Lists, permissions and tokens of forms are seen by loops within
one test: test_statements.py, test_access.py, test_gates.py."""


def test_what_no_screen_may_lose_is_tried_on_each_in_every_run() -> None:
    for file, name in OF_EVERY_SCREEN.items():
        body = ast.parse((ROOT / "tests" / "admin" / file).read_text(encoding="utf-8")).body
        [found] = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert any("every_case" in ast.unparse(mark) for mark in found.decorator_list), name


@pytest.mark.parametrize(
    ("mark", "least", "most"), [("half_on_either", 0.3, 0.7), ("either_database", 0.02, 0.3)]
)
def test_a_single_test_may_run_on_one_of_the_two_and_in_a_soak_on_the_other(
    mark: str, least: float, most: float
) -> None:
    single = [Case(f"test_{n}", mark, database_kind=kind) for n in range(200) for kind in KINDS]
    usual = [case for case in single if not scale.is_passed_over(case, full=False)]
    soak = [case for case in single if not scale.is_passed_over(case, full=True)]
    assert len(usual) == len(soak) == 200
    assert {*usual, *soak} == {*single}
    assert least < sum(case.callspec.params["database_kind"] != "sqlite" for case in usual) / 200 < most


def test_a_single_test_runs_on_both_databases_in_each_run() -> None:
    single = [Case("test_x", database_kind=kind) for kind in KINDS]
    assert not any(scale.is_passed_over(case, full=False) for case in single)
    assert all(scale.is_passed_over(case, full=True) for case in single), "a soak has nothing to add"

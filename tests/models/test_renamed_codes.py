"""A used shop with the codes of the release before is upgraded, and finds everything as it was, on both databases."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask
from sqlalchemy.orm import Session

from actions.core.base import ACTIONS, Actor
from actions.core.mail_templates import MAIL_TEMPLATES
from actions.execution.runner import Call, _hash, perform
from actions.mail import outbox
from actions.maintenance import seals
from actions.runs.parameters_json import pack
from actions.runs.runs import process_next_run
from actions.staff.api_keys import LENGTH, MARK, digest
from actions.staff.security_events import EVENTS
from jobs.base import JOBS, is_overdue, queue_slot
from models import renamed_codes, schema
from models.dialect import WRITE
from models.job import JobRow
from models.journal import Changeset
from models.mail import Mail, MailState
from models.run import Run, RunState
from models.staff import codes
from tests import application, releases
from tests.actions.letterbox import Letterbox
from tests.conftest import MakeUrl
from tests.databases import KINDS

BEFORE = "0012"
"""The revision at which the old codes were in use last."""
NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
SLOT = dt.datetime(2026, 12, 1, 3, 30, tzinfo=dt.UTC)
KEY = MARK + "k" * (LENGTH - len(MARK))
LEADS = {"role": ("require_factor", "list", "show"), "staff": ("clear_factor", "list"),
         "changeset": ("list", "show", "undo"), "job": ("list", "run_now"), "mail": ("list", "show")}  # fmt: skip
"""What a role that an admin made holds."""
Roles = dict[str, set[str]]


class Used:
    """A shop of 0.1.0 that went on to the last revision with the old codes, had things under way, and was upgraded."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        releases.load(engine, "0.1.0")
        with schema._writing(engine) as connection:
            command.upgrade(schema.config(connection=connection, comparing=True), BEFORE)
            self.t = sa.MetaData()
            self.t.reflect(connection)
            self._give_roles(connection)
            self._use_jobs(connection)
            self._write_history(connection)
        self.link = self._seal()
        self.roles = self.read_roles()
        self.app = self._upgrade()

    def insert(self, connection: sa.Connection, table: str, **values: Any) -> int:
        """Add a row as it was stored then; return its id."""
        made = connection.execute(sa.insert(self.t.tables[table]).values(values))
        return int(made.inserted_primary_key[0])

    def _give_roles(self, connection: sa.Connection) -> None:
        """A role made by hand, which a group has, and a Manager who may do more than the shipped one."""
        whole = {"version": 1, "created_at": NOW, "updated_at": NOW}
        leads = self.insert(connection, "ab_role", name="Team leads", needs_factor=False, **whole)
        manager = connection.scalar(sa.text("SELECT id FROM ab_role WHERE name = 'Manager'"))
        wanted = [(noun, verb) for noun, verbs in LEADS.items() for verb in verbs]
        for noun, verb in wanted:
            self._grant(connection, leads, noun, verb)
        self._grant(connection, manager, "staff", "clear_factor")
        group = self.insert(connection, "ab_group", name="Leads", label="", description="", **whole)
        self.insert(connection, "ab_group_role", group_id=group, role_id=leads)
        self.lead = connection.scalar(sa.text("SELECT id FROM ab_user WHERE username = 'readonly'"))
        self.insert(connection, "ab_user_group", user_id=self.lead, group_id=group)
        self.role = self.insert(connection, "ab_role", name="Till", needs_factor=True, **whole)
        self.insert(
            connection, "api_key", name="Lead's", user_id=self.lead, owner_name="Lead", prefix=KEY[:8],
            hash=digest(KEY), scope="full", **whole,
        )  # fmt: skip

    def _grant(self, connection: sa.Connection, role: int, noun: str, verb: str) -> None:
        held = (
            "SELECT pv.id FROM ab_permission_view pv JOIN ab_permission p ON p.id = pv.permission_id "
            "JOIN ab_view_menu v ON v.id = pv.view_menu_id WHERE v.name = :noun AND p.name = :name"
        )
        found = connection.scalar(sa.text(held), {"noun": noun, "name": f"can_{verb}"})
        assert found is not None, (noun, verb)
        self.insert(connection, "ab_permission_view_role", permission_view_id=found, role_id=role)

    def _use_jobs(self, connection: sa.Connection) -> None:
        """One paused, one that had another schedule until this morning, a slot that was queued, a run under way."""
        job = self.t.tables["job"]
        self.jobs = {row.code: row.id for row in connection.execute(sa.select(job.c.code, job.c.id))}
        paused = job.c.code == "house.verify"
        connection.execute(sa.update(job).where(paused).values(paused=True, version=2))
        moved = {"timetable": "15 3 * * * Europe/Paris", "timetable_since": SLOT - dt.timedelta(hours=5)}
        connection.execute(sa.update(job).where(job.c.code == "loyalty.warn").values(moved))
        whole = {"actor_name": "system", "reason": "", "created_at": SLOT, "refused": 0, "cancel_requested": False,
                 "parameters": pack({"as_of": SLOT})}  # fmt: skip
        self.insert(
            connection, "run", action="house.tidy", state="done", size=3, done=3, fence=1, finished_at=SLOT,
            job_id=self.jobs["house.tidy"], key=f"house.tidy@{SLOT:%Y-%m-%dT%H:%M:%SZ}", **whole,
        )  # fmt: skip
        self.open = self.insert(
            connection, "run", action="loyalty.warn", state="running", size=1, done=0, fence=1, worker="gone",
            started_at=SLOT, lease_until=SLOT, job_id=self.jobs["loyalty.warn"], **whole,
        )  # fmt: skip

    def _write_history(self, connection: sa.Connection) -> None:
        """What was done to the role and can be undone, under a key; what is never undone; an event; a mail that waits."""
        by = {"at": NOW - dt.timedelta(hours=1), "actor_id": 1, "actor_name": "Priya Nair", "reason": ""}
        asked = _hash("role.require_factor", (self.role,), {"needs_factor": True})
        self.required = self.insert(
            connection, "changeset", action="role.require_factor", subject_table="ab_role", subject_id=self.role,
            key="1:once", body_hash=asked, **by,
        )  # fmt: skip
        self.insert(
            connection, "change", changeset_id=self.required, table_name="ab_role", row_id=self.role,
            before={"needs_factor": False}, after={"needs_factor": True},
        )  # fmt: skip
        about = {"subject_table": "ab_user", "subject_id": self.lead, **by}
        self.cleared = self.insert(connection, "changeset", action="staff.clear_factor", **about)
        for code in renamed_codes.EVENTS:
            event = self.insert(connection, "changeset", action=code, **about)
        texts = {
            "subject": "Yours",
            "text_body": "Here it is.",
            "html_body": "<p>Here it is.</p>",
            "created_at": NOW,
        }
        for place, code in enumerate(renamed_codes.MAIL_TEMPLATES):
            self.insert(
                connection, "mail", template=code, recipient="a@shop.example", recipient_key="a@shop.example",
                state="waiting", attempts=0, next_attempt_at=NOW, message_id=f"m{place}", changeset_id=event, fence=0,
                staff_id=self.lead, **texts,
            )  # fmt: skip

    def _seal(self) -> str:
        """Seal the journal as that release did, which wrote the same by another name of one column; return the link."""
        last = seals.FIRST
        with Session(self.engine.execution_options(**{WRITE: True})) as session, session.begin():
            ids = session.scalars(sa.select(Changeset.id).order_by(Changeset.id)).all()
            for number, digest in seals.contents(session, ids).items():
                last = seals._link(last, number, digest, None)
                row = {"changeset_id": number, "digest": digest, "link": last}
                self.insert(session.connection(), "journal_seal", **row)
        return last

    def read_roles(self) -> Roles:
        """Return role -> what it may do."""
        with Session(self.engine) as session:
            names = session.execute(sa.text("SELECT id, name FROM ab_role"))
            return {name: set(codes(session, row_id)) for row_id, name in names}

    def _upgrade(self) -> Flask:
        """Install this release."""
        url = self.engine.url.render_as_string(hide_password=False)
        app = application.make(url, wiring={"clock": lambda: NOW})
        done = app.test_cli_runner().invoke(args=["up"])
        assert done.exit_code == 0, done.output
        return app


@pytest.fixture(scope="module", params=KINDS)
def used(request: pytest.FixtureRequest, make_url: MakeUrl) -> Iterator[Used]:
    """A used shop that was upgraded, once for all tests of a kind of database: none changes what another looks at."""
    engine = schema.open_engine(make_url(request.param, "used"))
    yield Used(engine)
    engine.dispose()


def ask(app: Flask, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Send a request with the lead's key."""
    sent = {"Authorization": f"Bearer {KEY}", **headers}
    return app.test_client().open(path, method=method, json=body, headers=sent)


def run(app: Flask, *words: str) -> Any:
    """Give a command; what it says on stderr is in its output."""
    return app.test_cli_runner().invoke(args=list(words))


def test_every_role_and_group_may_do_what_it_could(used: Used) -> None:
    before = {
        name: {renamed_codes.current(code) for code in held if not code.startswith("Migrate")}
        for name, held in used.roles.items()
    }
    after = used.read_roles()
    assert {"role.require_two_factor", "staff.reset_two_factor"} <= after["Team leads"] & after["Admin"]
    assert "staff.reset_two_factor" in after["Manager"]
    assert after.pop("Admin") >= before.pop("Admin")
    assert after == before
    with used.engine.connect() as connection:
        names = set(connection.scalars(sa.text("SELECT name FROM ab_permission")))
    assert not {"can_require_factor", "can_clear_factor"} & names


def test_jobs_keep_pause_schedule_slots_and_runs(used: Used) -> None:
    with Session(used.engine) as session:
        rows = {row.code: row for row in session.scalars(sa.select(JobRow))}
        for code, row_id in used.jobs.items():
            assert rows[renamed_codes.current(code)].id == row_id
        assert rows["maintenance.verify_ledgers"].paused
        assert rows["loyalty.send_expiry_notices"].timetable == "15 3 * * * Europe/Paris"
        assert rows["loyalty.send_expiry_notices"].timetable_since == SLOT - dt.timedelta(hours=5)
        tidied = session.scalars(sa.select(Run).where(Run.action == "maintenance.purge")).one()
        assert not is_overdue(rows["maintenance.purge"], tidied, NOW, ZoneInfo("UTC"))
    for code in ("maintenance.purge", "maintenance.verify_ledgers"):
        assert queue_slot(used.engine, JOBS[code], SLOT + dt.timedelta(minutes=1)) is None
    while process_next_run(used.engine, lambda: NOW, "worker"):
        pass
    with Session(used.engine) as session:
        assert session.get_one(Run, used.open).state == RunState.DONE


def test_history_is_named_found_and_still_holds_to_its_seals(used: Used) -> None:
    for asked in ("role.require_two_factor", "role.require_factor"):
        found = ask(used.app, "GET", f"/api/v1/changeset/?action__eq={asked}").json["result"]
        assert [(row["id"], row["action"]) for row in found] == [(used.required, "role.require_two_factor")]
    sieved = "action__in=staff.two_factor_enabled,staff.factor_removed"
    found = ask(used.app, "GET", f"/api/v1/changeset/?{sieved}").json["result"]
    assert {row["action"] for row in found} == {"staff.two_factor_enabled", "staff.two_factor_disabled"}
    others = ask(used.app, "GET", "/api/v1/changeset/?action__ne=role.require_two_factor").json["result"]
    assert used.required not in [row["id"] for row in others]
    with Session(used.engine) as session:
        assert session.get_one(Changeset, used.required).action == "role.require_two_factor"
        stored = session.scalar(sa.text("SELECT action FROM changeset WHERE id = :id"), {"id": used.required})
        assert stored == "role.require_factor"
        assert seals.broken(session) == []
        links = set(session.scalars(sa.text("SELECT link FROM journal_seal")))
    assert used.link in links


def test_what_could_be_undone_still_can_and_what_is_final_still_is(used: Used) -> None:
    refused = ask(used.app, "POST", f"/api/v1/changeset/{used.cleared}/actions/undo")
    assert refused.status_code == 409
    assert refused.json["code"] == "final", refused.json
    done = ask(used.app, "POST", f"/api/v1/changeset/{used.required}/actions/undo")
    assert done.status_code == 200, done.text
    with used.engine.connect() as connection:
        needs = sa.text("SELECT requires_two_factor FROM ab_role WHERE id = :id")
        assert not connection.scalar(needs, {"id": used.role})


def test_mails_keep_their_name_in_the_log_and_go_out(used: Used) -> None:
    rows = ask(used.app, "GET", "/api/v1/mail/").json["result"]
    assert {row["template"] for row in rows} >= set(renamed_codes.MAIL_TEMPLATES.values())
    way_out = Letterbox()
    outbox.deliver(used.engine, lambda: NOW, way_out.post)
    with Session(used.engine) as session:
        old = session.scalars(sa.select(Mail).where(Mail.message_id.in_(["m0", "m1", "m2"]))).all()
    assert (
        {mail.template for mail in old} == set(renamed_codes.MAIL_TEMPLATES.values()) <= set(MAIL_TEMPLATES)
    )
    assert {mail.state for mail in old} == {MailState.SENT}
    assert len(way_out.sent) >= 3


def test_programs_may_use_the_old_addresses_for_a_release(used: Used) -> None:
    path = f"/api/v1/role/{used.role}/actions/"
    old = ask(used.app, "POST", f"{path}require_factor?preview=1", {"needs_factor": False})
    assert (old.status_code, old.headers["Link"]) == (
        200, f'<{path}require_two_factor>; rel="successor-version"',
    )  # fmt: skip
    assert re.fullmatch(r"@\d{10}", old.headers["Deprecation"])
    new = ask(used.app, "POST", f"{path}require_two_factor?preview=1", {"requires_two_factor": False})
    assert new.json == old.json
    assert "Deprecation" not in new.headers
    described = ask(used.app, "GET", "/api/v1/_openapi").json["paths"]
    assert "/api/v1/role/{id}/actions/require_two_factor" in described
    assert not [path for path in described if "factor" in path and "two_factor" not in path]


def test_the_command_line_takes_old_codes_and_tells_the_new_ones(used: Used) -> None:
    old, new = (
        run(used.app, "act", code, str(used.role), "--as", "admin", "--set", f"{field}=", "--preview")
        for code, field in (
            ("role.require_factor", "needs_factor"),
            ("role.require_two_factor", "requires_two_factor"),
        )
    )
    assert old.exit_code == new.exit_code == 0, old.output
    told = (
        "role.require_factor is called role.require_two_factor now; the old name works until 0.3.0.\n"
        "needs_factor is called requires_two_factor now; the old name works until 0.3.0.\n"
    )
    assert old.output == told + new.output
    done = run(used.app, "jobs", "run", "house.tidy", "--preview")
    assert done.exit_code == 0, done.output
    assert "house.tidy is called maintenance.purge now" in done.output


def test_a_request_repeated_across_the_upgrade_counts_once(used: Used) -> None:
    with used.engine.connect() as connection:
        first = connection.scalar(sa.text("SELECT COUNT(*) FROM changeset"))
    again = Call(Actor(1, "Priya Nair"), NOW, key="1:once")
    done = perform(
        used.engine, ACTIONS["role.require_two_factor"], again, used.role, requires_two_factor=True
    )
    assert done.changeset_id == used.required
    with used.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT COUNT(*) FROM changeset")) == first


def test_the_table_leads_from_codes_that_are_gone_to_codes_that_are() -> None:
    there = {*JOBS, *ACTIONS, *EVENTS, *MAIL_TEMPLATES}
    assert not set(renamed_codes.RENAMED) & there
    assert set(renamed_codes.RENAMED.values()) <= there

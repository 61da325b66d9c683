"""Fields that got another name: a shop that used the old ones is upgraded, and shows and undoes as before (rule 9.8)."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from actions.core.base import ACTIONS, Actor
from actions.execution.runner import Call, _hash, perform
from actions.maintenance import seals
from actions.runs.parameters_json import pack, unpack
from actions.runs.runs import process_next_run
from actions.staff.api_keys import LENGTH, MARK, digest
from admin.screen_spec.registry import registry
from admin.screens import SCREENS
from models import renamed_fields, schema
from models.access import SessionChannel, StaffSession
from models.base import metadata
from models.customer import Customer
from models.importing import ImportFile, ImportMapping, ImportRow
from models.journal import Change
from models.loyalty import LoyaltyExpiryNotice
from models.preference import Preference
from models.run import Run
from tests import application
from tests.admin.pages import page_of
from tests.conftest import MakeUrl
from tests.databases import KINDS
from tests.models.test_renamed_codes import NOW, Used

ADMIN = 1
KEY = MARK + "a" * (LENGTH - len(MARK))
BY = {"actor_id": ADMIN, "actor_name": "Priya Nair"}
HEADINGS = {"Card": "loyalty_code", "lapse_warnings": "lapse_warnings"}


class UsedFields(Used):
    """A shop in which customers' consent was changed, mapped and chosen for lists under its old name."""

    def _write_history(self, connection: sa.Connection) -> None:
        super()._write_history(connection)
        self._let_in(connection)
        ids = sa.text("SELECT id FROM customer WHERE merged_into_id IS NULL ORDER BY id LIMIT 6")
        self.customer, self.undone, self.repeated, self.queued, self.imported, self.opened = (
            connection.scalars(ids)
        )
        self.edited, self.back = (self._edit(connection, row) for row in (self.customer, self.undone))
        asked = _hash("customer.edit_fields", (self.repeated,), {"values": {"lapse_warnings": False}})
        self.keyed = self._edit(connection, self.repeated, key=f"{ADMIN}:edit", body_hash=asked)
        self._map(connection)
        self._queue(connection)
        self._warn(connection)

    def _let_in(self, connection: sa.Connection) -> None:
        """A key and a password of the admin's, who has a session and has chosen columns."""
        self.insert(
            connection, "api_key", name="Admin's", user_id=ADMIN, owner_name="Priya Nair", prefix=KEY[:8],
            hash=digest(KEY), scope="full", version=1, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        users = self.t.tables["ab_user"]
        known = generate_password_hash(application.PASSWORD, application.CHEAP_HASH)
        connection.execute(sa.update(users).where(users.c.id == ADMIN).values(password=known))
        older = {"door": "api"}
        self.session = self.insert(
            connection, "staff_session", user_id=ADMIN, token_hash="t" * 64, data="", created_at=NOW,
            last_seen_at=NOW, confirmed_at=NOW, address="", agent="curl", **older,
        )  # fmt: skip
        for resource, names in {
            "role": ["name", "needs_factor"],
            "staff_session": ["member", "door"],
        }.items():
            chosen = {"user_id": ADMIN, "name": f"columns:{resource}", "value": names}
            self.insert(connection, "staff_preference", **chosen)

    def _edit(self, connection: sa.Connection, row_id: int, **more: Any) -> int:
        """Write that somebody switched the emails of a customer off; return the changeset."""
        customer = self.t.tables["customer"]
        version = connection.scalar(sa.select(customer.c.version).where(customer.c.id == row_id))
        off = {"lapse_warnings": False, "version": version + 1}
        connection.execute(sa.update(customer).where(customer.c.id == row_id).values(off))
        made = self.insert(
            connection, "changeset", at=NOW - dt.timedelta(hours=2), action="customer.edit", reason="",
            subject_table="customer", subject_id=row_id, **BY, **more,
        )  # fmt: skip
        self.insert(
            connection, "change", changeset_id=made, table_name="customer", row_id=row_id, customer_id=row_id,
            before={"lapse_warnings": True, "version": version}, after=off,
        )  # fmt: skip
        return made

    def _map(self, connection: sa.Connection) -> None:
        """A mapping that was saved and deleted, one that is there, and a file that was tried."""
        whole = {"version": 1, "created_at": NOW, "updated_at": NOW}
        kept = {"resource": "customer", "owner_id": ADMIN, "headers": list(HEADINGS), "fields": HEADINGS,
                "clear_empty": False}  # fmt: skip
        self.mapping = self.insert(
            connection, "import_mapping", name="Till", name_key="till", **kept, **whole
        )
        told = {"at": NOW - dt.timedelta(hours=1), "reason": "", "subject_table": "import_mapping", **BY}
        self.deleted = self.insert(
            connection, "changeset", action="import_mapping.delete", subject_id=99, **told
        )
        stamps = {"version": 1, "created_at": NOW.isoformat(), "updated_at": NOW.isoformat()}
        self.insert(
            connection, "change", changeset_id=self.deleted, table_name="import_mapping", row_id=99, after=None,
            before={"id": 99, "name": "Old", **kept, **stamps},
        )  # fmt: skip
        plan = {"fields": {"0": "loyalty_code", "1": "lapse_warnings"}, "match": None,
                "defaults": pack({"lapse_warnings": True}), "clear_empty": False}  # fmt: skip
        self.file = self.insert(
            connection, "import_file", resource="customer", name="cards.csv", actor_id=ADMIN, created_at=NOW,
            expires_at=NOW + dt.timedelta(days=7), state="tried", size=1, headers=list(HEADINGS), plan=plan,
            created=0, changed=1, unchanged=0, refused=0,
        )  # fmt: skip
        self.insert(
            connection, "import_row", file_id=self.file, position=1, line=2, cells=["7", "no"], verdict="changed",
            given={"lapse_warnings": False}, row_id=self.imported, seen=1, before={"lapse_warnings": True},
            after={"lapse_warnings": False}, errors=None,
        )  # fmt: skip

    def _queue(self, connection: sa.Connection) -> None:
        """A change of many customers that no worker has begun."""
        self.run = self.insert(
            connection, "run", action="customer.edit_fields", reason="", state="queued", created_at=NOW, size=1, done=0,
            refused=0, cancel_requested=False, fence=0, parameters=pack({"values": {"lapse_warnings": False}}), **BY,
        )  # fmt: skip
        row = {"run_id": self.run, "position": 1, "row_id": self.queued, "state": "pending"}
        self.insert(connection, "run_item", **row)

    def _warn(self, connection: sa.Connection) -> None:
        lot, mail = (connection.scalar(sa.text(f"SELECT MIN(id) FROM {t}")) for t in ("loyalty_lot", "mail"))
        self.notice = self.insert(connection, "lapse_warning", lot_id=lot, mail_id=mail, created_at=NOW)


@pytest.fixture(scope="module", params=KINDS)
def used(request: pytest.FixtureRequest, make_url: MakeUrl) -> Iterator[UsedFields]:
    """Such a shop, upgraded once for all tests of a kind of database: none changes what another looks at."""
    engine = schema.open_engine(make_url(request.param, "used_fields"))
    yield UsedFields(engine)
    engine.dispose()


def ask(used: UsedFields, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Send a request with the admin's key."""
    sent = {"Authorization": f"Bearer {KEY}", **headers}
    return used.app.test_client().open(f"/api/v1/{path}", method=method, json=body, headers=sent)


# -- what is stored -----------------------------------------------------------------------------------------------


def test_everything_that_named_a_field_has_followed(used: UsedFields) -> None:
    assert schema.drift(used.engine) == []
    with Session(used.engine) as session:
        assert session.get_one(StaffSession, used.session).channel == SessionChannel.API
        assert session.get_one(LoyaltyExpiryNotice, used.notice).created_at == NOW
        kept = {"Card": "loyalty_code", "lapse_warnings": "expiry_notices"}
        assert session.get_one(ImportMapping, used.mapping).fields == kept, "a heading is the file's own"
        file = session.get_one(ImportFile, used.file)
        assert file.plan is not None
        assert file.plan["fields"] == {"0": "loyalty_code", "1": "expiry_notices"}
        assert unpack(file.plan["defaults"]) == {"expiry_notices": True}
        row = session.scalars(sa.select(ImportRow).filter_by(file_id=used.file)).one()
        assert (row.given, row.before, row.after) == (
            {"expiry_notices": False}, {"expiry_notices": True}, {"expiry_notices": False},
        )  # fmt: skip
        chosen = {row.name: row.value for row in session.scalars(sa.select(Preference))}
        assert chosen == {
            "columns:role": ["name", "requires_two_factor"], "columns:staff_session": ["member", "channel"],
        }  # fmt: skip


OBJECTS = {
    "sqlite": "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_master",
    "postgresql": (
        "SELECT relname FROM pg_class UNION ALL SELECT conname FROM pg_constraint UNION ALL SELECT proname FROM pg_proc "
        "UNION ALL SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relkind = 'r' UNION ALL SELECT tgname FROM pg_trigger"
    ),
}
"""What there is in a database, by its names."""


def test_no_object_of_the_database_has_an_old_name(used: UsedFields) -> None:
    with used.engine.connect() as connection:
        names = list(connection.scalars(sa.text(OBJECTS[connection.dialect.name])))
    assert any("loyalty_expiry_notice" in name for name in names)
    old = re.compile(r"lapse|lapsing|needs_factor|because_id|(?<![a-z])door(?![a-z])")
    assert [name for name in names if old.search(name)] == []


def test_a_run_that_waited_does_what_was_asked(used: UsedFields) -> None:
    while process_next_run(used.engine, lambda: NOW, "worker"):
        pass
    with Session(used.engine) as session:
        run = session.get_one(Run, used.run)
        assert (run.done, run.refused) == (1, 0)
        assert not session.get_one(Customer, used.queued).expiry_notices


def test_the_journal_is_not_written_again_and_read_by_the_new_names(used: UsedFields) -> None:
    with Session(used.engine) as session:
        change = session.scalars(sa.select(Change).filter_by(changeset_id=used.edited)).one()
        assert change.before is not None
        assert change.before["expiry_notices"] is True
        stored = session.scalar(
            sa.text("SELECT CAST(before AS TEXT) FROM change WHERE id = :id"), {"id": change.id}
        )
        assert set(json.loads(stored)) == {"lapse_warnings", "version"}
        assert seals.broken(session) == []
        assert used.link in set(session.scalars(sa.text("SELECT link FROM journal_seal")))


# -- what people see ----------------------------------------------------------------------------------------------


def test_history_shows_the_change_under_its_heading_and_the_record_as_it_was(used: UsedFields) -> None:
    client = application.sign_in(used.app, "Admin")
    told = page_of(client.get(f"/admin/changeset/details/?id={used.edited}")).text
    assert "Points expiry emails" in told
    assert "lapse" not in told.lower()
    before = (NOW - dt.timedelta(hours=3)).isoformat().replace("+00:00", "Z")
    past = page_of(client.get(f"/admin/customer/past/?id={used.customer}&at={before}"))
    assert "Points expiry emails" in past.text
    at = ask(used, "GET", f"customer/{used.customer}?at={before}").json["result"]
    assert at["expiry_notices"] is at["lapse_warnings"] is True
    assert ask(used, "GET", f"customer/{used.customer}").json["result"]["expiry_notices"] is False


def test_bookmarks_and_pages_that_were_open_mean_the_same_field(used: UsedFields) -> None:
    client = application.sign_in(used.app, "Admin")
    old, new = (
        page_of(client.get(f"/admin/role/?{name}__eq=1&sort=-{name}")).text
        for name in ("needs_factor", "requires_two_factor")
    )
    assert old == new
    assert "Till" in new
    assert client.get("/admin/role/?needed_factor__eq=1").status_code == 400, "that was none of its names"
    path = f"/admin/customer/edit/?id={used.opened}"
    form = page_of(client.get(path)).form("/customer/edit/")
    sent = {("lapse_warnings" if n == "expiry_notices" else n): v for n, v in form.filled().items()}
    assert client.post(path, data={**sent, "lapse_warnings": "y"}).status_code == 302
    with Session(used.engine) as session:
        assert session.get_one(Customer, used.opened).expiry_notices


# -- what is undone and repeated ------------------------------------------------------------------------------------


def test_a_change_under_the_old_name_is_undone(used: UsedFields) -> None:
    done = ask(used, "POST", f"changeset/{used.back}/actions/undo")
    assert (done.status_code, done.json["warnings"]) == (200, []), done.text
    with Session(used.engine) as session:
        assert session.get_one(Customer, used.undone).expiry_notices
        assert seals.broken(session) == []


def test_a_mapping_that_comes_back_names_the_fields_there_are(used: UsedFields) -> None:
    perform(used.engine, ACTIONS["changeset.undo"], Call(Actor(ADMIN, "Priya Nair"), NOW), used.deleted)
    with Session(used.engine) as session:
        assert session.get_one(ImportMapping, 99).fields["lapse_warnings"] == "expiry_notices"


def test_a_request_repeated_across_the_upgrade_counts_once(used: UsedFields) -> None:
    again = Call(Actor(ADMIN, "Priya Nair"), NOW, key=f"{ADMIN}:edit")
    action = ACTIONS["customer.edit_fields"]
    done = perform(used.engine, action, again, used.repeated, values={"expiry_notices": False})
    assert done.changeset_id == used.keyed


# -- programs -----------------------------------------------------------------------------------------------------


def test_programs_may_use_the_old_names_for_a_release(used: UsedFields) -> None:
    role = ask(used, "GET", f"role/{used.role}").json["result"]
    assert role["needs_factor"] is role["requires_two_factor"] is True
    old, new = (
        ask(used, "GET", f"role/?{name}__eq=1").json["result"]
        for name in ("needs_factor", "requires_two_factor")
    )
    assert used.role in [row["id"] for row in old]
    assert old == new
    session = ask(used, "GET", "staff_session/?door__eq=api").json["result"]
    assert {row["door"] for row in session} == {row["channel"] for row in session} == {"api"}
    tried = f"role/{used.role}/actions/require_two_factor?preview=1"
    assert ask(used, "POST", tried, {"needs_factor": False}).json["rows"][0]["after"] == {
        "requires_two_factor": False
    } | {"version": 2}
    both = ask(used, "POST", tried, {"needs_factor": False, "requires_two_factor": True})
    assert (both.status_code, both.json["field"]) == (422, "needs_factor")


def test_a_program_writes_by_the_old_name(used: UsedFields) -> None:
    path = f"customer/{used.imported}"
    version = ask(used, "GET", path).headers["ETag"]
    done = ask(used, "PATCH", path, {"lapse_warnings": False}, **{"If-Match": version})
    assert done.status_code == 200, done.text
    assert done.json["result"]["expiry_notices"] is done.json["result"]["lapse_warnings"] is False


def test_the_description_has_the_old_names_in_answers_and_nowhere_else(used: UsedFields) -> None:
    described = ask(used, "GET", "_openapi").json
    shown = described["components"]["schemas"]["role"]["properties"]["needs_factor"]
    assert shown == {
        "type": "boolean",
        "deprecated": True,
        "description": "what requires_two_factor was called until 0.2.0",
    }
    taken = [
        (operation.get("parameters"), operation.get("requestBody"))
        for path in described["paths"].values()
        for operation in path.values()
    ]
    assert not [old for old in ("needs_factor", "lapse_warnings", "door__eq") if old in json.dumps(taken)]


# -- the table ----------------------------------------------------------------------------------------------------


def test_the_table_leads_from_fields_that_are_gone_to_fields_that_are(used: UsedFields) -> None:
    columns = {column.name for table in metadata.tables.values() for column in table.columns}
    for table, names in renamed_fields.FIELDS.items():
        assert set(names.values()) <= set(metadata.tables[table].c.keys())
        assert not set(names) & columns, "it would be read as another field"
    with used.app.app_context():
        screens = [registry().screens[screen.named()] for screen in SCREENS]
        fields = {name for screen in screens for declared in screen.actions() for name in declared.fields}
        fields |= {name for screen in screens for name in (*screen.form_columns, *screen.column_list)}
    assert not {old for names in renamed_fields.FIELDS.values() for old in names} & fields

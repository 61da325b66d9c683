"""A shop of every release becomes one of this version, with every row, on both databases; released history stays."""

import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask
from sqlalchemy.orm import Session

from actions import ROOT
from actions.core.base import SYSTEM
from actions.execution.runner import Call
from actions.maintenance import encryption, search_keys
from actions.maintenance.verify import verify
from actions.staff import two_factor
from models import rescaling, schema
from models.base import db, metadata
from models.contact import ContactEmail
from models.dialect import WRITE, file_of
from models.mail import Mail
from models.merge import Merge
from tests import application, factories, releases
from tests.databases import bytes_of
from tests.factories import NOW

FROZEN = {
    "0001_initial_tables.py": "8fa6c25b6bc6537092b608baca8991cfb34bf2b19267cdaf8abd42f0ce0f8eb7",
    "0002_the_timetable_of_jobs.py": "694367d90ccc718f8e25c149bd1e309e8433a0b204cf4433289c3e807a4d3128",
    "0003_journal_seals.py": "d071ba7daa8c1669b66f73791a5c421775adc374b8a0e1392e7d3a63835ca14c",
    "0004_the_channel_of_new_customers.py": "925da82661bfaec6aa43dd966bc4a19f3f48aaf914087e6cbcca258bac222c2c",
    "0005_index_orders_in_ledgers.py": "ab5ee5199840a0ceccedcad13d8b3e04a2f14da0e94c87fa4f02d350a96f9a26",
    "0006_the_scale_of_money.py": "b471b075f49f478df7ba07a44328c2add216c8ed357dd761e3109c8cef80d41d",
    "0007_release_of_search_keys.py": "3f117ade835cfabb78638f5ebe16793447f24c8c8cd2ae320e57aff0c620729f",
    "0008_how_uploaded_files_are_read.py": "6f1bb58dd735b42215cedb41636e47b9ee0368b4bb9d957d15a44a67f56766f7",
    "0009_sort_keys.py": "1f9ad4dc4ac708a61dce6f5de727cf6e4f657ceceb0fab6bee58e57c480fe231",
    "0010_find_secrets.py": "88fce3b57e8d475dbe99931ce7fb2073ca26e39222a7f9addb7cd9fa177e69df",
    "0011_how_files_of_a_mapping_are_read.py": "70eeacfe99aae48848a274e0a927c3064218087d7070d8bbbbd0c7298908d137",
    "0012_how_long_a_file_is_being_read.py": "4a873ed42ecd738f215693dce4d6044ef855e39578eee264f8c85058fb894eaf",
    "0013_plainer_codes.py": "572da1b6331e0f2a1d7be963442a78f44554fd2b6f426172a25285368279b3a7",
    "0014_applied_migrations.py": "d91060b09c1a3ed54a6c1eff3d0d1ed45474f85d370c0da64461fb7c8d8c3f96",
    "0015_plainer_columns.py": "2186d9cf659bd6e3964343f21ff354f009e18279144113474fc690bc72ff3fd0",
}
"""Migrations that have been released, with their checksums. A change of schema is a new migration."""


@pytest.fixture
def engine(empty_url: str) -> Iterator[sa.Engine]:
    """An engine on an empty database."""
    made = schema.open_engine(empty_url)
    yield made
    made.dispose()


@pytest.mark.parametrize("version", releases.released())
def test_a_used_shop_of_a_release_is_upgraded(engine: sa.Engine, version: str) -> None:
    releases.load(engine, version)
    before = _counts(engine)
    assert before["customer"] >= 50
    schema.migrate(engine)
    assert schema.drift(engine) == []
    after = _counts(engine)
    assert {table: rows for table, rows in before.items() if after.get(table, rows) < rows} == {}
    with Session(engine.execution_options(**{WRITE: True})) as session:
        assert verify(session) == search_keys.outdated(session)
    assert search_keys.rewrite(engine, NOW) == []
    with Session(engine.execution_options(**{WRITE: True})) as session:
        assert verify(session) == []
    runner = application.make(engine.url.render_as_string(hide_password=False)).test_cli_runner()
    for given in (["up"], ["verify"]):  # with the triggers and the seals of the journal
        done = runner.invoke(args=given)
        assert done.exit_code == 0, done.output


def test_the_release_that_is_being_made_has_its_dump() -> None:
    project = tomllib.loads(Path(ROOT, "pyproject.toml").read_text())["project"]
    assert releases.released()[-1] == project["version"]
    assert f"\n## {project['version']} " in Path(ROOT, "CHANGELOG.md").read_text()


SECRETS = {
    "key": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "token": "abcDEF0123456789-_xyzABC",
    "gone": "GONEGONEGONEGONE",
}
"""What a shop of a release that did not encrypt has in clear; one of it was deleted since."""


@pytest.mark.parametrize("version", ["0.1.0"])
def test_secrets_that_a_release_stored_in_clear_are_encrypted_and_go_on_working(
    engine: sa.Engine, version: str
) -> None:
    releases.load(engine, version)
    user_id = _store_in_clear(engine)
    app = application.make(engine.url.render_as_string(hide_password=False))
    printed = app.test_cli_runner().invoke(args=["up"])
    assert printed.exit_code == 0, printed.output
    assert "2 secrets that were stored in clear are now encrypted." in printed.output
    assert "secrets" not in app.test_cli_runner().invoke(args=["up"]).output, "it is done once"
    found = _everything(app, engine)
    assert "somebody@shop.example" in found, "so much for looking everywhere"
    assert [name for name, secret in SECRETS.items() if secret in found] == []
    with app.app_context():
        code = pyotp.TOTP(SECRETS["key"]).at(NOW)
        assert two_factor.take(db.engine, Call(SYSTEM, NOW), user_id, code)
        assert (
            db.session.scalar(sa.select(Mail.secret).where(Mail.secret.is_not(None))).open()
            == SECRETS["token"]
        )
        assert encryption.faults(db.session()) == []


def _store_in_clear(engine: sa.Engine) -> int:
    """Give somebody a second step and a link that waits, as the release stored them; return whose it is."""
    found = sa.MetaData()
    found.reflect(engine, only=["second_factor", "mail", "changeset", "ab_user"])
    factor, mail = found.tables["second_factor"], found.tables["mail"]
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        changeset = connection.scalar(sa.select(sa.func.min(found.tables["changeset"].c.id)))
        who, other = connection.scalars(sa.select(found.tables["ab_user"].c.id).limit(2)).all()
        made = {"created_at": NOW, "confirmed_at": NOW, "last_step": 0}
        connection.execute(factor.insert().values(user_id=who, key=SECRETS["key"], **made))
        connection.execute(factor.insert().values(user_id=other, key=SECRETS["gone"], **made))
        connection.execute(factor.delete().where(factor.c.user_id == other))
        connection.execute(
            mail.insert().values(
                template="staff_reset", recipient="somebody@shop.example", subject="A link", text_body="x", html_body="x",
                secret=SECRETS["token"], state="waiting", attempts=0, created_at=NOW, message_id="m", changeset_id=changeset,
                fence=0, recipient_key="somebody@shop.example", next_attempt_at=NOW,
            )
        )  # fmt: skip
    return int(who)


def _everything(app: Flask, engine: sa.Engine) -> str:
    """What a thief would have: every column of every table, and every page of the file."""
    names = sa.inspect(engine).get_table_names()
    with engine.connect() as connection:
        rows = [str(row) for name in names for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))]
    file = file_of(engine)
    return "\n".join([*rows, bytes_of(file).decode("latin-1") if file is not None else ""])


def test_the_scale_that_amounts_were_written_with_is_kept_and_one_that_differs_is_told(
    engine: sa.Engine,
) -> None:
    releases.load(engine, "0.1.0")
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        for place, code in enumerate(("RSD", "IQD", "KWD", "JPY"), 1):
            changed = (
                "UPDATE customer SET currency = :code WHERE id = (SELECT MAX(id) - :place FROM customer)"
            )
            connection.execute(sa.text(changed), {"code": code, "place": place})
    schema.migrate(engine)
    with engine.connect() as connection:
        kept = rescaling.recorded(connection)
    assert kept == {"EUR": 2, "GBP": 2, "IQD": 0, "JPY": 0, "KWD": 3, "RSD": 0}
    with pytest.raises(
        schema.SchemaError, match=r"IQD with 0 decimals instead of 3; RSD with 0 .* instead of 2"
    ):
        rescaling.settle(engine)


def test_additional_emails_that_are_there_count_as_confirmed(engine: sa.Engine) -> None:
    with schema._writing(engine) as connection:
        command.upgrade(schema.config(connection=connection, comparing=True), "0019")
    with Session(engine.execution_options(**{WRITE: True})) as session:
        customer = factories.make_customer(session)
        given = {"email": "office@example.com", "email_key": "office@example.com", "customer_id": customer.id}
        stamps = {"created_at": NOW, "updated_at": NOW}
        session.connection().execute(sa.insert(table_as_at_0019(session)).values(**given, **stamps))
        session.commit()
    schema.migrate(engine)
    assert schema.drift(engine) == []
    with Session(engine) as session:
        (row,) = session.scalars(sa.select(ContactEmail))
        assert (row.confirmed_at, row.version) == (NOW, 1)


def test_merges_of_before_are_found_in_the_journal(engine: sa.Engine) -> None:
    with schema._writing(engine) as connection:
        command.upgrade(schema.config(connection=connection, comparing=True), "0023")
    with Session(engine.execution_options(**{WRITE: True})) as session:
        one, two, three = (factories.make_customer(session).id for _n in range(3))
        first, second = (factories.make_changeset(session, action="customer.merge") for _n in range(2))
        told = ((first, three, None, two), (second, two, None, one), (second, three, two, one))
        for done, gone, before, after in told:
            factories.make_change(
                session, changeset_id=done.id, table_name="customer", row_id=gone, customer_id=gone,
                before={"merged_into_id": before}, after={"merged_into_id": after},
            )  # fmt: skip
        undo = factories.make_changeset(session, action="changeset.undo", undoes_id=second.id).id
        session.commit()
        merges = [(first.id, three, two, None), (second.id, two, one, undo)]
    schema.migrate(engine)
    assert schema.drift(engine) == []
    with Session(engine) as session:
        rows = session.scalars(sa.select(Merge).order_by(Merge.id)).all()
        found = [(m.changeset_id, m.merged_id, m.survivor_id, m.undone_by_id) for m in rows]
        assert found == merges
        assert {m.merged_at for m in rows} == {NOW}


def table_as_at_0019(session: Session) -> sa.Table:
    return sa.Table("contact_email", sa.MetaData(), autoload_with=session.connection())


@pytest.mark.parametrize("version", releases.released())
def test_new_ids_follow_those_of_the_release(engine: sa.Engine, version: str) -> None:
    releases.load(engine, version)
    schema.migrate(engine)
    note = metadata.tables["ab_role"]
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        highest = connection.scalar(sa.select(sa.func.max(note.c.id)))
        made = connection.execute(sa.insert(note).values(name="made after the upgrade"))
        assert made.inserted_primary_key[0] > highest


def test_every_migration_of_a_release_is_held_to_its_checksum() -> None:
    newest = releases.revision(releases.released()[-1])
    names = {path.name for path in Path(schema.MIGRATIONS, "versions").glob("*.py")}
    assert {name for name in names if name[:4] <= newest} == set(FROZEN)


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_a_released_migration_never_changes(name: str) -> None:
    text = Path(schema.MIGRATIONS, "versions", name).read_bytes()
    assert sha256(text).hexdigest() == FROZEN[name]


def _counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        names = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        return {
            name: int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0)
            for name in names
        }

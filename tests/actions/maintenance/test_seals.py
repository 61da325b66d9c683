"""Whoever alters the journal behind the product's back is noticed, and where; whatever is lawful is not (rule 9.6)."""

from threading import Thread

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from actions.cli import commands
from actions.execution.runner import changeset
from actions.ledgers import loyalty
from actions.maintenance import seals
from actions.maintenance.verify import verify
from models import triggers
from models.journal import Changeset, Seal
from models.loyalty import LoyaltyEntry
from tests import factories
from tests.actions.desk import Desk
from tests.actions.maintenance.test_verify import busy_customer
from tests.models.conftest import _migrated, session

__all__ = ["_migrated", "session"]


def sealed(session: Session) -> list[Changeset]:
    """A customer's history of three changesets, sealed."""
    busy_customer(session)
    customer = factories.make_customer(session)
    for name in ("Karim", "Khan"):
        factories.make_change(session, customer_id=customer.id, row_id=customer.id, after={"last_name": name})
    while seals.seal(session):
        pass
    return list(session.scalars(select(Changeset).order_by(Changeset.id)))


def damage(session: Session, *statements: str, **values: object) -> None:
    """Do it where no trigger is in the way."""
    triggers.remove(session.connection())
    for statement in statements:
        assert session.execute(text(statement), values).rowcount > 0, "there was nothing to damage"


def test_a_journal_that_nobody_touched_fits_its_seals(session: Session) -> None:
    assert sealed(session)
    assert verify(session) == []
    count, link = seals.head(session)
    assert (count, len(link)) == (session.scalar(select(func.count(Changeset.id))), 64)


def test_a_changeset_is_sealed_once(session: Session) -> None:
    sealed(session)
    before = seals.head(session)
    assert seals.seal(session) == 0
    factories.make_changeset(session)
    assert seals.seal(session) == 1
    assert seals.head(session)[0] == before[0] + 1


LAST = "(SELECT MAX(id) FROM changeset)"
AN_ENTRY = "(SELECT MIN(id) FROM loyalty_entry)"
DAMAGE = {
    "another person": f"UPDATE changeset SET actor_name = 'Nobody' WHERE id = {LAST}",
    "another time": f"UPDATE changeset SET at = '2020-01-01 00:00:00' WHERE id = {LAST}",
    "another value": f"""UPDATE change SET after = '{{"last_name": "Smith"}}' WHERE changeset_id = {LAST}""",
    "a change that is gone": f"DELETE FROM change WHERE changeset_id = {LAST}",
    "a change put in": "INSERT INTO change (changeset_id, table_name, row_id) "
    f"SELECT id, 'note', 1 FROM changeset WHERE id = {LAST}",
    "other words on an entry": f"UPDATE loyalty_entry SET comment = 'Never' WHERE id = {AN_ENTRY}",
    "another digest": f"UPDATE journal_seal SET digest = '{'0' * 64}' WHERE changeset_id = {LAST}",
    "a seal that is gone": "DELETE FROM journal_seal WHERE id = (SELECT MIN(id) + 1 FROM journal_seal)",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE)
def test_what_was_altered_is_named(session: Session, statement: str) -> None:
    sealed(session)
    damage(session, statement)
    (told,) = seals.broken(session)
    assert "since it was sealed" in told or "journal's seals were altered" in told
    assert told in verify(session)


def test_the_first_of_several_breaks_is_named_with_who_and_when(session: Session) -> None:
    history = sealed(session)
    damage(session, "UPDATE changeset SET reason = 'Other' WHERE id >= :first", first=history[-2].id)
    assert seals.broken(session) == [
        f"Changeset {history[-2].id} (test.arrange, 2026-09-01 12:00 UTC, Mary Kaur) "
        "has been altered since it was sealed."
    ]


def test_a_changeset_slipped_in_long_ago_is_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    history = sealed(session)
    monkeypatch.setattr(seals, "LATE", 1)
    damage(session, "DELETE FROM journal_seal WHERE changeset_id < :last", last=history[-1].id)
    assert f"Changeset {history[0].id} was added to the journal without a seal." in seals.broken(session)


def test_what_is_lawfully_altered_is_sealed_again(session: Session) -> None:
    history = sealed(session)
    damage(session, "UPDATE loyalty_entry SET comment = ''")
    assert seals.broken(session)
    because = factories.make_changeset(session)
    seals.seal_again(session, [row.id for row in history], because.id)
    seals.seal(session)
    assert seals.broken(session) == []
    damage(session, "UPDATE journal_seal SET caused_by_id = NULL WHERE caused_by_id IS NOT NULL")
    assert len(seals.broken(session)) == 1


def test_a_merge_may_move_an_entry(session: Session) -> None:
    sealed(session)
    entry = session.scalars(select(LoyaltyEntry)).first()
    survivor = factories.make_customer(session)
    entry.customer.merged_into_id = survivor.id
    session.flush()
    entry.customer_id = survivor.id
    session.flush()
    assert seals.broken(session) == []


def test_older_seals_hold_when_a_column_is_added(session: Session) -> None:
    sealed(session)
    line = seals._line("note", {"id": 1, "body": "Hello"})
    assert seals._line("note", {"id": 1, "body": "Hello", "added_later": None}) == line


def test_the_same_rows_have_the_same_digest_on_both_databases() -> None:
    row = {"id": 7, "at": factories.NOW, "after": {"b": 1, "a": "é"}, "before": None}
    assert seals._line("change", row) == (
        b'["change",{"after":{"a":"\xc3\xa9","b":1},"at":"2026-09-01T12:00:00+00:00","id":7}]'
    )


def test_two_who_seal_at_once_make_one_chain(desk: Desk) -> None:
    customer = desk.customer()
    for points in range(1, 21):
        desk.do(loyalty.adjust, customer=customer, points=points, comment="Sorry", expires_after_days=30)
    sealers = [Thread(target=seals.seal_waiting, args=(desk.engine,)) for _ in range(4)]
    for sealer in sealers:
        sealer.start()
    for sealer in sealers:
        sealer.join()
    with Session(desk.engine) as session:
        assert seals.broken(session) == []
        twice = select(Seal.changeset_id).group_by(Seal.changeset_id).having(func.count() > 1)
        assert session.scalars(twice).all() == []


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_one_that_commits_late_is_sealed_after_those_with_higher_numbers(desk: Desk) -> None:
    with changeset(desk.engine, "test.slow", desk.call()) as ctx:
        slow = ctx.changeset_id
        quick = desk.do(
            loyalty.adjust, customer=desk.customer(), points=5, comment="Sorry", expires_after_days=1
        ).changeset_id
        seals.seal_waiting(desk.engine)
    seals.seal_waiting(desk.engine)
    with Session(desk.engine) as session:
        order = select(Seal.changeset_id).where(Seal.changeset_id.in_([slow, quick])).order_by(Seal.id)
        assert session.scalars(order).all() == [quick, slow]
        assert seals.broken(session) == []


def test_nothing_is_written_while_nothing_waits(desk: Desk) -> None:
    seals.seal_waiting(desk.engine)
    assert not seals.seal_waiting(desk.engine)


def test_a_worker_seals_and_verify_tells_the_newest_seal(desk: Desk) -> None:
    desk.do(loyalty.adjust, customer=desk.customer(), points=5, comment="Sorry", expires_after_days=1)
    made = {command.name: command for command in commands(lambda: desk.engine, lambda: desk.now, None)}
    check, worker = made["verify"], made["worker"]
    assert CliRunner().invoke(worker, ["--once"]).exit_code == 0
    with Session(desk.engine) as session:
        count, link = seals.head(session)
        newest = session.scalar(select(func.max(Changeset.id)))
        assert session.scalar(select(func.max(Seal.changeset_id))) == newest
    said = CliRunner().invoke(check)
    assert said.exit_code or f"{count} seals. The newest is {link}." in said.output

"""What is stored to be read again is encrypted: nowhere in clear, under new keys, and with keys that do not fit (rule 16.11)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyotp
import pytest
from sqlalchemy import Engine, create_engine, insert, select, text, update
from sqlalchemy.exc import StatementError

from actions.mail import outbox
from actions.maintenance import encryption
from actions.maintenance.verify import verify
from actions.staff import password_links, two_factor
from models import dialect, vault
from models.access import SecondFactor
from models.base import metadata
from models.dialect import file_of
from models.mail import Mail, MailState
from models.member import Member
from models.vault import Closed, Secret, Vault
from tests import factories, staffing
from tests.actions.desk import Desk
from tests.actions.letterbox import BASE, Letterbox, deliver, empty_outbox
from tests.databases import bytes_of
from tests.keyring import VAULT, a_key

__all__ = ["empty_outbox"]

OLD, NEW, LOST = a_key(1), a_key(2), a_key(3)


@contextmanager
def keys(engine: Engine, *given: str) -> Iterator[None]:
    """The same database seen by a process with other keys."""
    vault.give(engine, Vault(given))
    try:
        yield
    finally:
        vault.give(engine, VAULT)


@pytest.fixture(autouse=True)
def nothing_left(desk: Desk) -> Iterator[None]:
    """Leave to other tests, which share the database, nothing that is encrypted by keys of this one, nor find theirs."""
    with desk.engine.begin() as connection:
        connection.execute(text("DELETE FROM saved_card"))
    yield
    with desk.engine.begin() as connection:
        connection.execute(text("DELETE FROM second_factor"))
        connection.execute(text("UPDATE mail SET secret = NULL"))


@pytest.fixture
def somebody(desk: Desk) -> int:
    """A member of staff who may be asked for a code."""
    return desk.make(staffing.make_member, email=f"jo{factories.number()}@shop.example")


def ask_for_link(desk: Desk, somebody: int) -> str:
    """Have a password link be written to somebody; return its token, which is nowhere but in the mail."""
    with desk.changeset("staff.send_link") as ctx:
        member = ctx.session.get_one(Member, somebody)
        password_links.send(ctx, member)
    return the_link(desk, somebody).secret.open()


def the_link(desk: Desk, somebody: int) -> Mail:
    with desk.look() as session:
        mail = session.scalars(select(Mail).where(Mail.staff_id == somebody).order_by(Mail.id)).first()
        assert mail.secret is None or isinstance(mail.secret, Secret)
        return mail


def begin_factor(desk: Desk, somebody: int) -> str:
    """Have somebody set a second step up; return the secret that their phone takes up."""
    two_factor.begin(desk.engine, somebody, desk.now)
    with desk.look() as session:
        key = two_factor.unconfirmed(session, somebody)
    two_factor.confirm(desk.engine, desk.call(), somebody, pyotp.TOTP(key).at(desk.now))
    return key


def everything(desk: Desk) -> str:
    """All that a thief of the database would have: every column of every table, and the bytes of the file."""
    with desk.engine.connect() as connection:
        names = [table.name for table in metadata.sorted_tables]
        found = [str(row) for name in names for row in connection.execute(text(f'SELECT * FROM "{name}"'))]
    file = file_of(desk.engine)
    return "\n".join([*found, bytes_of(file).decode("latin-1") if file is not None else ""])


def stored(desk: Desk) -> list[str]:
    """The secrets as they are in the database."""
    with desk.engine.connect() as connection:
        factor = connection.scalars(text("SELECT key FROM second_factor ORDER BY id")).all()
        mail = connection.scalars(text("SELECT secret FROM mail WHERE secret IS NOT NULL ORDER BY id")).all()
    return [*factor, *mail]


def test_neither_a_link_nor_the_secret_of_a_phone_is_anywhere_in_the_database(
    desk: Desk, somebody: int
) -> None:
    token, key = ask_for_link(desk, somebody), begin_factor(desk, somebody)
    assert len(token) >= 40
    assert len(key) == 32
    found = everything(desk)
    assert the_link(desk, somebody).recipient in found, "so much for looking everywhere"
    assert token not in found
    assert key not in found
    assert all(value.startswith("v1:") for value in stored(desk))


def test_the_mail_still_brings_the_right_link_and_the_code_is_still_right(desk: Desk, somebody: int) -> None:
    token, key = ask_for_link(desk, somebody), begin_factor(desk, somebody)
    box = Letterbox()
    deliver(desk, box)
    sent = next(envelope for envelope in box.sent if "password" in envelope.text)
    assert f"{BASE}/password/?token={token}" in sent.text
    desk.later(minutes=1)
    assert two_factor.take(desk.engine, desk.call(), somebody, pyotp.TOTP(key).at(desk.now))


def test_new_keys_are_taken_into_use_and_the_old_taken_away(desk: Desk, somebody: int) -> None:
    token, key = ask_for_link(desk, somebody), begin_factor(desk, somebody)
    before = stored(desk)
    with keys(desk.engine, NEW, OLD):
        assert encryption.renew(desk.engine) == 2
        again = stored(desk)
        assert not set(before) & set(again)
        assert encryption.renew(desk.engine) == 0
        assert stored(desk) == again, "what is done stays as it is"
    with keys(desk.engine, NEW):
        assert the_link(desk, somebody).secret.open() == token
        desk.later(minutes=1)
        assert two_factor.take(desk.engine, desk.call(), somebody, pyotp.TOTP(key).at(desk.now))
        with desk.look() as session:
            assert encryption.faults(session) == []


def test_a_change_of_keys_that_was_broken_off_goes_on_where_it_was(desk: Desk, monkeypatch) -> None:
    for _n in range(5):
        desk.make(staffing.make_second_factor)
    monkeypatch.setattr(encryption, "CHUNK", 2)

    class Killed(Exception):
        pass

    def die(_done: int) -> None:
        raise Killed

    with keys(desk.engine, NEW, OLD):
        with pytest.raises(Killed):
            encryption.renew(desk.engine, die)
        with desk.look() as session:
            rows = session.scalars(select(SecondFactor).order_by(SecondFactor.id)).all()
            assert [row.key.is_newest for row in rows] == [True, True, False, False, False]
            assert len({row.key.open() for row in rows}) == 1, "either key opens its own meanwhile"
        assert encryption.renew(desk.engine) == 3


def test_with_a_key_that_does_not_fit_the_mail_waits_and_all_others_go_out(desk: Desk, somebody: int) -> None:
    token = ask_for_link(desk, somebody)
    other = desk.make(staffing.make_member, email=f"al{factories.number()}@shop.example")
    with desk.changeset() as ctx:
        ctx.mail_staff("staff_two_factor_enabled", ctx.session.get_one(Member, other))
    box = Letterbox()
    with keys(desk.engine, LOST):
        assert deliver(desk, box), "it says nothing of the mail server"
        assert [envelope.recipient for envelope in box.sent] == [the_link(desk, other).recipient]
        for _again in range(9):
            desk.later(minutes=5)
            deliver(desk, box)
    waits = the_link(desk, somebody)
    assert (waits.state, waits.attempts, waits.last_error) == (MailState.WAITING, 0, outbox.CLOSED)
    desk.later(minutes=5)
    deliver(desk, box)
    assert f"/password/?token={token}" in box.sent[-1].text
    assert the_link(desk, somebody).state == MailState.SENT


def test_a_link_whose_key_is_lost_for_good_is_given_up_once_it_has_expired(desk: Desk, somebody: int) -> None:
    ask_for_link(desk, somebody)
    with keys(desk.engine, LOST):
        deliver(desk, Letterbox())
        desk.later(days=7, microseconds=-1)
        deliver(desk, Letterbox())
        assert the_link(desk, somebody).state == MailState.WAITING
        desk.later(minutes=5)
        deliver(desk, Letterbox())
        with desk.look() as session:
            assert encryption.faults(session) == []
    failed = the_link(desk, somebody)
    assert (failed.state, failed.last_error, failed.secret) == (
        MailState.FAILED,
        outbox.CLOSED_TOO_LONG,
        None,
    )


def test_with_a_key_that_does_not_fit_codes_are_refused_and_recovery_codes_are_not(
    desk: Desk, somebody: int
) -> None:
    two_factor.begin(desk.engine, somebody, desk.now)
    with desk.look() as session:
        key = two_factor.unconfirmed(session, somebody)
    recovery = two_factor.confirm(desk.engine, desk.call(), somebody, pyotp.TOTP(key).at(desk.now))
    desk.later(minutes=1)
    code = pyotp.TOTP(key).at(desk.now)
    with keys(desk.engine, LOST):
        with pytest.raises(two_factor.TwoFactorClosed, match="put the key back into ENCRYPTION_KEYS"):
            two_factor.take(desk.engine, desk.call(), somebody, code)
        assert two_factor.take(desk.engine, desk.call(), somebody, recovery[0])
    assert two_factor.take(desk.engine, desk.call(), somebody, code), "it was not used up"


def test_a_second_step_that_was_not_confirmed_is_begun_anew_where_no_key_opens_it(
    desk: Desk, somebody: int
) -> None:
    two_factor.begin(desk.engine, somebody, desk.now)
    with keys(desk.engine, LOST):
        with desk.look() as session:
            assert two_factor.unconfirmed(session, somebody) == ""
        two_factor.begin(desk.engine, somebody, desk.now)
        with desk.look() as session:
            assert len(two_factor.unconfirmed(session, somebody)) == 32


def test_what_no_key_opens_is_named_without_being_shown_and_stays(desk: Desk, somebody: int) -> None:
    ask_for_link(desk, somebody)
    begin_factor(desk, somebody)
    before = stored(desk)
    with keys(desk.engine, LOST):
        with desk.look() as session:
            named = encryption.faults(session)
            assert set(named) <= set(verify(session))
            assert encryption.are_closed(session)
        assert encryption.renew(desk.engine) == 0
        assert encryption.encrypt_what_is_clear(desk.engine) == 0
    assert {sentence.partition(" of row")[0] for sentence in named} == {"mail.secret", "second_factor.key"}
    assert all("cannot be opened with any key" in sentence for sentence in named)
    assert not any(value.removeprefix("v1:")[:20] in str(named) for value in before)
    assert stored(desk) == before
    with desk.look() as session:
        assert encryption.faults(session) == []
        assert not encryption.are_closed(session)


def test_what_is_still_in_clear_is_read_named_and_encrypted_once(desk: Desk, somebody: int) -> None:
    key = begin_factor(desk, somebody)
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE second_factor SET key = :key"), {"key": key})
    with desk.look() as session:
        (named,) = encryption.faults(session)
        assert "is not encrypted: run `flask --app app up`" in named
        assert key not in named
        assert not encryption.are_closed(session)
    desk.later(minutes=1)
    assert two_factor.take(desk.engine, desk.call(), somebody, pyotp.TOTP(key).at(desk.now))
    assert encryption.encrypt_what_is_clear(desk.engine) == 1
    assert encryption.encrypt_what_is_clear(desk.engine) == 0
    if file_of(desk.engine) is not None:
        assert dialect.rewrite_file(desk.engine)
    assert key not in everything(desk)


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-2], lambda s: s[:9] + "AAAA" + s[13:], lambda s: "v1:", lambda s: "v2:" + s[3:]]
)
def test_a_stored_value_that_was_tampered_with_opens_to_nobody(spoil: Callable[[str], str]) -> None:
    closed = VAULT.close("a link")
    assert Secret(closed, VAULT).open() == "a link"
    with pytest.raises(Closed):
        Secret(spoil(closed), VAULT).open()


def test_a_secret_shows_itself_to_no_log() -> None:
    for found in (Secret("hush-hush"), Secret(VAULT.close("hush-hush"), VAULT)):
        assert (str(found), repr(found), f"{found}") == ("Secret(…)",) * 3
    assert OLD not in repr(VAULT)


def test_an_engine_without_keys_stores_no_secret_and_says_what_is_missing(desk: Desk, somebody: int) -> None:
    bare = create_engine(desk.engine.url)
    given = {"user_id": somebody, "key": "K", "created_at": desk.now}
    with (
        bare.connect() as connection,
        pytest.raises(StatementError, match="this engine has no encryption keys"),
    ):
        connection.execute(insert(SecondFactor.__table__).values(**given))
    begin_factor(desk, somebody)
    with bare.connect() as connection:
        found = connection.scalar(select(SecondFactor.key).where(SecondFactor.user_id == somebody))
        with pytest.raises(vault.NoKeys):
            found.open()
    bare.dispose()


def test_whatever_way_a_secret_is_written_it_is_encrypted(desk: Desk, somebody: int) -> None:
    begin_factor(desk, somebody)
    with desk.engine.begin() as connection:
        connection.execute(update(SecondFactor.__table__).values(key="WRITTENBYHAND"))
    assert "WRITTENBYHAND" not in str(stored(desk))
    with desk.look() as session:
        assert session.scalars(select(SecondFactor.key)).one().open() == "WRITTENBYHAND"

"""Masks: how they look, and that only sessions which read are given them."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models import masks
from models.base import metadata
from models.dialect import WRITE
from models.masks import MaskContext, Masked
from models.personal import Mask, policy
from tests import factories


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "jane.doe@x.com", "j***@x.com"),
        ("email", "not an address", "••••"),
        ("phone", "+44 113 496 0123", "•••• 0123"),
        ("phone", "204", "••••"),
        ("date", "1990-02-01", "****-**-**"),
        ("address", "14 Mill Lane", "••••••"),
        ("number", "GB980780684", "•••• 84"),
        ("number", "GB98", "••••"),
        ("name", "Jane", "J•••"),
        ("text", "female", "••••"),
    ],
)
def test_a_mask_tells_a_little_at_most(kind: Mask, value: str, shown: str) -> None:
    assert Masked.of(kind, value) == shown


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everybody see nothing that is sensitive."""
    monkeypatch.setattr(masks, "_ask", [lambda: MaskContext(masks.groups())])


def test_a_reading_session_masks_rows_as_they_are_loaded_and_again_as_they_are_refreshed(
    engine: Engine, blind: None
) -> None:
    with Session(engine) as session:
        made = factories.make_customer(session, email="jane@x.com", date_of_birth=None).id
        session.commit()
    with Session(engine) as session:
        row = session.get_one(factories.Customer, made)
        assert (row.email, row.date_of_birth, row.last_name[:5]) == ("j***@x.com", None, "Karim")
        assert row.email.place == ("customer", made, "email")
        session.expire(row)
        assert row.email == "j***@x.com"
        assert not session.dirty


def test_a_writing_session_holds_the_truth_and_names_its_rows_by_masks(engine: Engine, blind: None) -> None:
    with Session(engine.execution_options(**{WRITE: True})) as session:
        named = {"first_name": None, "last_name": None, "email": "jane@x.com"}
        row = factories.make_customer(session, **named)
        address = factories.make_address(session, customer=row)
        session.commit()
        session.refresh(row)
        assert row.email == "jane@x.com"
        assert str(row) == "j***@x.com"
        assert str(address) == "••••••, ••••••, ••••••"


def test_what_is_kept_for_anybody_names_rows_by_masks_whoever_writes_it(engine: Engine) -> None:
    with Session(engine.execution_options(**{WRITE: True})) as session:
        phone = factories.make_phone(session, number="0113 496 0123")
        assert str(phone) == "0113 496 0123"
        with masks.unmasked():
            assert str(phone) == "•••• 0123"
        assert str(phone) == "0113 496 0123"


def test_a_value_that_was_revealed_is_shown_and_no_other(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(engine) as session:
        first, second = (factories.make_customer(session, vat_number=None).id for _n in range(2))
        session.commit()
    seen = MaskContext(masks.groups(), frozenset({("customer", first, "email")}))
    monkeypatch.setattr(masks, "_ask", [lambda: seen])
    with Session(engine) as session:
        shown, hidden = (session.get_one(factories.Customer, i).email for i in (first, second))
        assert "***" not in str(shown)
        assert "***" in str(hidden)


def test_no_address_number_or_birthday_is_without_its_mask() -> None:
    """By what a column says it is; what it is left out of by mistake, no test of masks would look for (rule 19.1)."""
    shown = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if policy(column).mask in ("email", "phone", "address", "date") and not policy(column).sensitive
    }
    assert shown == {"portal_link.email", "portal_request.email"}, "no screen has these"

"""What every table has to say about itself."""

import inspect
import re
from typing import Any

import pytest
from sqlalchemy import DateTime, Float, LargeBinary, Numeric, Table
from sqlalchemy.orm import Mapper, RelationshipDirection, configure_mappers

from models import personal, triggers
from models.base import Base, LedgerRow, metadata
from models.types import Minor, Percent, UTCDateTime

configure_mappers()
OURS = {
    mapper.class_.__tablename__: mapper
    for mapper in Base.registry.mappers
    if mapper.class_.__module__.startswith("models.")
}
TABLES: list[Table] = [metadata.tables[name] for name in sorted(OURS) if not name.startswith("ab_")]
"""Flask-AppBuilder's own tables are as it wants them."""
MONEY = {
    "amount",
    "subtotal",
    "tax",
    "shipping",
    "total",
    "unit_price",
    "credit_limit",
    "account_balance",
    "credit_balance",
}


def named(table: Table) -> str:
    return table.name


def test_every_column_says_what_masking_merge_and_erase_do_with_it():
    assert list(personal.unclassified(metadata)) == []


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_sqlite_never_reuses_an_id(table: Table):
    assert table.dialect_options["sqlite"]["autoincrement"]


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_every_foreign_key_says_what_a_delete_does_and_has_an_index(table: Table):
    unique = [tuple(c.columns.keys()) for c in table.constraints if hasattr(c, "columns")]
    leading = {i.columns.keys()[0] for i in table.indexes if i.columns} | {u[0] for u in unique if u}
    for key in table.foreign_keys:
        assert key.ondelete in ("RESTRICT", "CASCADE"), key.parent
        to_staff = key.column.table.name.startswith("ab_")
        assert to_staff or key.parent.name in leading, f"{key.parent} has no index"


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_money_and_points_are_integers(table: Table):
    for column in table.columns:
        assert not isinstance(column.type, Float | Numeric | LargeBinary), column
        assert (column.name in MONEY) == isinstance(column.type, Minor), column
        if column.name in {"discount", "global_discount"}:
            assert isinstance(column.type, Percent)


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_times_carry_their_zone(table: Table):
    for column in table.columns:
        assert not isinstance(column.type, DateTime) or isinstance(column.type, UTCDateTime), column


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_every_reference_to_a_customer_says_what_a_merge_does(table: Table):
    for key in table.foreign_keys:
        if key.column.table.name == "customer":
            rule = personal.policy(key.parent).merge
            assert rule in {"move", "combine", "keep", "refuse", "drop"}, key.parent
            assert (rule == "combine") == bool(OURS[table.name].class_.__same__), key.parent


@pytest.mark.parametrize("table", sorted(OURS))
def test_what_the_rules_of_a_row_ask_of_another_is_looked_up_for_them(table: str):
    """Neither a new row nor one whose key has just changed knows its relations by itself."""
    mapper: Mapper[Any] = OURS[table]
    asked = {
        relation.key
        for relation in mapper.relationships
        if relation.direction is RelationshipDirection.MANYTOONE
        and re.search(
            rf"self\.{relation.key}\b", inspect.getsource(mapper.class_).partition("def problems")[2]
        )
    }
    assert asked == set(mapper.class_.__asked__)


def test_keys_are_not_written_or_exported_and_balances_are_derived():
    for table in TABLES:
        for column in table.columns:
            policy = personal.policy(column)
            if column.name.endswith("_key") and column.name != "key":
                assert policy.written_by == "product", column
                assert not policy.journalled, column
    customer = metadata.tables["customer"]
    for name in ("points", "account_balance", "credit_balance", "password_hash", "version"):
        assert personal.policy(customer.c[name]).written_by == "product", name
    for name in ("status", "merged_into_id", "anonymised_at", "created_via"):
        assert personal.policy(customer.c[name]).written_by == "action", name
    assert personal.policy(customer.c.password_hash).secret


def test_every_ledger_is_append_only():
    rules = triggers.declared(list(Base.registry.mappers))
    ledgers = {name for name, mapper in OURS.items() if issubclass(mapper.class_, LedgerRow)}
    assert ledgers == {"loyalty_entry", "account_entry", "invoice", "credit_entry", "tasting_entry"}
    assert ledgers | {"loyalty_allocation", "changeset", "change"} <= set(rules)
    for name in ledgers:
        blanked = {c.name for c in metadata.tables[name].columns if personal.policy(c).personal}
        assert set(rules[name].erasable) == blanked, (
            f"an erasure must be able to blank the free text of {name}"
        )


def test_help_texts_are_sentences():
    for table in TABLES:
        for column in table.columns:
            assert column.doc is None or (column.doc[0].isupper() and column.doc.endswith(".")), column


def test_names_on_screen_are_sentence_case():
    for mapper in OURS.values():
        for text in (mapper.class_.__label__, mapper.class_.__plural__):
            assert text[0].isupper()
            first, *rest = text.split()
            assert first.isupper() or first[1:] == first[1:].lower(), text  # "API key"
            assert rest == [word.lower() for word in rest], text

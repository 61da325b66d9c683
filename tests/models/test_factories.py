"""Every model has a factory, and what it makes is valid and has a name a person can read."""

import pytest
from sqlalchemy import JSON, Boolean, Enum, Integer, String, inspect
from sqlalchemy.orm import Session

from models.base import Base, Invalid
from models.renamed_codes import StoredCode
from models.renamed_fields import StoredFields
from models.types import Minor, Percent
from models.validate import LONGEST_TEXT, missing
from models.vault import SecretText
from tests.usual import maker

MODELS = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__module__.startswith("models.")),
    key=lambda model: model.__name__,
)


def ids(model: type[Base]) -> str:
    return model.__name__


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_a_made_row_is_valid_and_has_a_name(session: Session, model: type[Base]):
    row = maker(model.__tablename__)(session)
    assert row.problems({attribute.key for attribute in inspect(model).attrs}) == {}
    assert missing(row) == {}
    session.expire_all()
    assert str(row)
    assert not str(row).startswith("<")


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_every_model_has_labels(model: type[Base]):
    assert model.__label__
    assert model.__plural__


def hostile(kind: object) -> list[object]:
    match kind:
        case Enum():
            return ["12", 12, ["retail"], {}, "a\x00"]
        case String() | StoredCode():
            longest = kind.length or LONGEST_TEXT
            return ["a\x00b", "a\ud800b", "x" * (longest + 1), ["a"], 5, {"a": 1}]
        case SecretText():
            return ["a\x00b", "a\ud800b", "x" * (LONGEST_TEXT + 1), ["a"], 5, {"a": 1}]
        case Integer() | Minor():
            return [2**70, -(2**70), "5", 1.5, True, [1]]
        case Boolean():
            return ["yes", 1, []]
        case Percent():
            return ["ten", object(), [1], 0.1, True, 101, "1e1", "0.005", "-1"]
        case JSON() | StoredFields():
            return [{"a": "\x00"}, ["\ud800"], float("nan"), {"a": object()}]
        case _:
            return ["12", object(), [1]]


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_no_attribute_takes_what_the_database_cannot_hold(model: type[Base]):
    for attribute in inspect(model).column_attrs:
        for value in hostile(attribute.columns[0].type):
            row = model()
            with pytest.raises(Invalid) as refused:
                setattr(row, attribute.key, value)
            assert set(refused.value.errors) == {attribute.key}, value

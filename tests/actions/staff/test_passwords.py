"""What a password must be: long, not guessed first, not made of the person's names (rule 16.5)."""

from types import SimpleNamespace
from typing import Any

import pytest

from actions.staff import passwords
from models.base import Invalid
from tests.scale import scaled

ANN: Any = SimpleNamespace(
    first_name="Ann-Marie", last_name="Wexford", username="awexford", email="ann.w@vineandbarrel.example"
)
"""Somebody with a few names."""


def refusal(password: str, person: Any = ANN) -> str:
    """What is wrong with a password; nothing where it will do."""
    try:
        passwords.check(password, person)
    except Invalid as invalid:
        return invalid.errors.get("password", "")
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "correct-horse-battery", "tulip garden mouse", "Zk93hdYqPw1x", "это было давно и неправда",
        "my favourite teacher was called Ann", "x" * 40 + "tulip garden mouse" + "y" * 40, "🦉 blue horse rain 🦉",
    ],
)  # fmt: skip
def test_long_and_unguessable_is_enough(password: str) -> None:
    assert refusal(password) == ""


@pytest.mark.parametrize(("length", "said"), [(11, "at least 12"), (12, ""), (128, ""), (129, "at most 128")])
def test_it_has_twelve_to_a_hundred_and_twenty_eight_characters(length: int, said: str) -> None:
    password = ("k7Qz!w9Pxv2#" * 11)[:length]
    assert said in refusal(password)
    assert bool(refusal(password)) == bool(said)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "Password12345", "P@ssw0rd12345", "qwertyuiop12", "1234567890qwertz", "letmeinplease",
        "a" * 128, " " * 20, "abcdefghijklmnop", "clientele2026", "a" * 100 + "tulip garden",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert refusal(password) == passwords.COMMON


@pytest.mark.parametrize(
    "password",
    [
        "awexford2026!", "Ann-Wexford-26", "WEXFORD.wexford", "marie wexford ann", "ann.w@vineandbarrel.example",
        "vineandbarrel1", "__AnnMarieWexford__",
    ],
)  # fmt: skip
def test_names_and_little_besides_are_refused(password: str) -> None:
    assert refusal(password) == passwords.NAMED


def test_a_short_name_forbids_no_letters() -> None:
    person = SimpleNamespace(first_name="Jo", last_name="", username="jo", email="j@x.io")
    assert refusal("banjo jolly major", person) == ""


def test_a_name_dressed_up_is_guessed_too() -> None:
    assert refusal("4w3xf0rd4w3xf0rd") in (passwords.COMMON, passwords.NAMED)


def test_the_sentence_says_how_many_characters() -> None:
    assert refusal("short") == ("Use at least 12 characters. A few unrelated words work well.")


def test_no_password_is_stored_that_was_not_looked_at() -> None:
    def never(password: str) -> str:
        raise AssertionError("a hash was made of it")

    with pytest.raises(Invalid):
        passwords.hashed("too short", ANN, never)
    assert passwords.hashed("tulip garden mouse", ANN, lambda text: f"<{text}>") == "<tulip garden mouse>"


@pytest.mark.soak
def test_made_ones_keep_the_rules_and_differ() -> None:
    found = {passwords.made(ANN) for _n in range(scaled(5_000, least=100))}
    assert all(refusal(password) == "" for password in found)
    assert len(found) == scaled(5_000, least=100)
    assert min(map(len, found)) == 20

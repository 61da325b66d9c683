"""How near two names or dates of birth are (rule 7.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.duplicates import names, nearness, places
from actions.duplicates.places import Place
from models.evidence import Evidence

E = Evidence
SAME = [
    ("anna", "anna", E.FIRST_NAME), ("jon", "john", E.FIRST_NAME_NEAR), ("j", "john", E.FIRST_NAME_NEAR),
    ("j.", "john", E.FIRST_NAME_NEAR), ("bob", "robert", E.FIRST_NAME_NEAR), ("bob", "rob", E.FIRST_NAME_NEAR),
    ("anna maria", "anna", E.FIRST_NAME_NEAR), ("stephen", "stehpen", E.FIRST_NAME_NEAR), ("", "anna", E(0)),
    ("anna", "otto", E.FIRST_NAME_DIFFERS), ("tim", "tom", E.FIRST_NAME_DIFFERS), ("ann", "ian", E.FIRST_NAME_DIFFERS),
    ("--", "anna", E(0)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "says"), SAME)
def test_first_names(one: str, other: str, says: Evidence) -> None:
    assert names.compare((one, "ham"), (other, "ham")) == says | E.SURNAME


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("muller", "mueller", E.SURNAME_NEAR),
        ("smyth-jones", "jones", E.SURNAME_NEAR),
        ("van der berg", "van der waal", E.SURNAME_DIFFERS),
        ("o'brien", "obrien", E.SURNAME_NEAR),
        ("lee", "leo", E.SURNAME_DIFFERS),
        ("whitehead", "whithaed", E.SURNAME_NEAR),
        ("", "ham", E(0)),
    ],
)
def test_surnames(one: str, other: str, says: Evidence) -> None:
    assert names.compare(("", one), ("", other)) == says


def test_names_that_were_swapped() -> None:
    assert names.compare(("ham", "otto"), ("otto", "ham")) == E.SWAPPED
    assert names.compare(("otto", "otto"), ("otto", "otto")) == E.FIRST_NAME | E.SURNAME


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("1965-12-06", "1965-12-06", E.BIRTH),
        ("1965-12-06", "1965-06-12", E.BIRTH_NEAR),
        ("1965-12-06", "1966-12-06", E.BIRTH_NEAR),
        ("1965-12-06", "1991-03-14", E.BIRTH_DIFFERS),
        ("1965-12-06", "", E(0)),
    ],
)
def test_dates_of_birth(one: str, other: str, says: Evidence) -> None:
    assert names.births(one, other) == says


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        (("LS29JT", "1 mill lane", "leeds"), ("LS29JT", "1 mill lane", "york"), E.POSTCODE | E.STREET),
        (("LS29JT", "1 mill lane", "leeds"), ("LS28JT", "1 mlil lane", "leeds"), E.POSTCODE_NEAR | E.TOWN | E.STREET_NEAR),
        (("LS29JT", "1 mill lane", ""), ("LS29JT", "2 mill lane", ""), E.POSTCODE),
        (("LS29JT", "1 mill lane", "leeds"), ("YO17HH", "1 mill lane", "york"), E.ADDRESS_DIFFERS),
        (("", "", ""), ("YO17HH", "1 mill lane", "york"), E(0)),
    ],
)  # fmt: skip
def test_addresses(one: tuple[str, str, str], other: tuple[str, str, str], says: Evidence) -> None:
    assert places.compare([Place(*one)], [Place(*other)]) == says
    assert places.compare([Place(*other)], [Place(*one)]) == says


def test_emails_are_near_where_no_digit_differs() -> None:
    assert nearness.emails("otto.ham1@example.com", "oto.ham1@example.com")
    assert not nearness.emails("otto.ham1@example.com", "otto.ham2@example.com")
    assert not nearness.emails("otto.ham1@example.com", "oto.ham1@example.org")


def test_an_address_made_of_a_name_says_no_more_than_the_name() -> None:
    assert names.made_of("otto.ham", "otto", "ham")
    assert names.made_of("ham-otto", "otto", "ham")
    assert not names.made_of("otto.ham7", "otto", "ham")


def test_names_that_cross_are_not_two_that_differ() -> None:
    assert names.compare(("mason", "zachary"), ("zachary", "clarke")) == E.CROSSED


WORD = st.text(alphabet="abcdefgh -'.", max_size=12)


@given(first=st.tuples(WORD, WORD), second=st.tuples(WORD, WORD))
def test_it_says_the_same_both_ways_and_not_two_things_at_once(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    found = names.compare(first, second)
    assert found == names.compare(second, first)
    for kinds in (
        E.FIRST_NAME | E.FIRST_NAME_NEAR | E.FIRST_NAME_DIFFERS | E.SWAPPED,
        E.SURNAME | E.SURNAME_NEAR | E.SURNAME_DIFFERS | E.SWAPPED,
    ):
        assert (found & kinds).bit_count() <= 1

"""What looks like the number of a payment card is refused, however it is written; what does not is taken (rule 12.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from models.base import Base, Invalid
from models.contact import AccountHolder, ContactEmail
from models.saved_card import SavedCard
from models.validate import LIKE_A_CARD, no_card_number

REAL = (
    "4242424242424242",
    "4111111111111111",
    "378282246310005",
    "6011000990139424",
    "5555555555554444",
    "6799990100000000019",
)
"""Numbers that payment providers give out to be tried with."""
SIGNS = (" ", "-", "–", ".", "\u00a0", " - ", "/", "_", "·")


def is_refused(text: str | None) -> bool:
    """Whether it is refused, in words that do not say it again."""
    try:
        found = no_card_number("label", text)
    except Invalid as invalid:
        return invalid.errors == {"label": LIKE_A_CARD}
    assert found == text
    return False


@pytest.mark.parametrize("number", REAL)
@pytest.mark.parametrize("sign", ["", *SIGNS])
def test_a_number_is_found_in_groups_of_four_among_words(number: str, sign: str) -> None:
    groups = sign.join(number[start : start + 4] for start in range(0, len(number), 4))
    for text in (
        groups,
        f"Card {groups} of Mum",
        f"x{groups}x",
        f"{groups} 08/27",
        f"{groups} 123",
        f"12 {groups}",
    ):
        assert is_refused(text), text


@pytest.mark.parametrize("zero", ["٠", "０", "०"])
def test_digits_of_other_scripts_are_digits(zero: str) -> None:
    assert is_refused("".join(chr(ord(zero) + int(digit)) for digit in REAL[0]))


@pytest.mark.parametrize(
    "text",
    [
        None, "", "Visa", "4242", "Expires 08/2027", "4242 4242 4242 4241", "0113 496 0123", "+44 7700 900123", "GB980780684",
        "0000 0000 0000 0000", "tok_1Nq2xL4eZ", "pm_9f81e27ab4c3d5f60718", "8e03978e-40d5-43e8-bc93-6894a57f9324", "12345678901234567890123",
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_card_is_taken(text: str | None) -> None:
    assert not is_refused(text)


@given(st.text("123456789", min_size=12, max_size=18), st.sampled_from(["", *SIGNS]), st.integers(1, 6))
def test_any_number_with_its_check_digit_is_refused_and_one_without_is_not(
    digits: str, sign: str, size: int
) -> None:
    whole = digits + luhn.calc_check_digit(digits)
    assert is_refused(sign.join(whole[start : start + size] for start in range(0, len(whole), size)))
    wrong = digits + str((int(whole[-1]) + 1) % 10)
    assert not is_refused(wrong)


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    is_refused(text)


FIELDS = [
    (SavedCard, "brand"), (SavedCard, "provider"), (AccountHolder, "name"), (AccountHolder, "role"), (AccountHolder, "email"),
    (AccountHolder, "phone"), (ContactEmail, "email"), (ContactEmail, "label"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "field"), FIELDS)
def test_no_text_of_these_tables_takes_one(model: type[Base], field: str) -> None:
    given = "4242424242424242@example.com" if field == "email" else "4242 4242 4242 4242"
    with pytest.raises(Invalid) as invalid:
        setattr(model(), field, given)
    assert "looks like a card number" in invalid.value.errors[field]


@pytest.mark.parametrize("model", [SavedCard, AccountHolder, ContactEmail])
def test_every_text_is_tried_here(model: type[Base]) -> None:
    """What is written by the product (tokens, keys) is looked at where it comes in; four digits are no number."""
    texts = {
        c.name
        for c in model.__table__.columns
        if getattr(c.type, "length", None) and c.info["policy"].written_by != "product"
    }
    assert texts - {"last_four"} == {field for owner, field in FIELDS if owner is model}

"""What depends on the country: VAT and company numbers, phones, postcodes, and the lists that forms offer."""

import pytest
from sqlalchemy.orm import Session

from models import places
from models.customer import Customer
from models.phone import Phone
from tests.factories import make_address, make_customer
from tests.models.test_validate import refused


@pytest.mark.parametrize(
    "good",
    [
        "GB980780684",
        "gb 980 7806 84",
        "DE136695976",
        "XI980780684",
        "EL094259216",
        "ATU13585627",
        "AU51824753556",
        "US123456789",
    ],
)
def test_vat_numbers(good: str):
    customer = Customer(vat_number=good)
    assert customer.vat_number == good.replace(" ", "").upper()
    assert customer.problems({"vat_number"}) == {}


@pytest.mark.parametrize("bad", ["GB980780685", "DE12", "GB", "DE136695976;", "GB980780684\x00"])
def test_vat_numbers_that_are_none(bad: str):
    assert set(refused(Customer(), vat_number=bad)) == {"vat_number"}


def test_a_vat_number_without_letters_is_read_by_the_primary_address(session: Session):
    customer = make_customer(session, vat_number="980780684")
    assert set(customer.problems({"vat_number"})) == {"vat_number"}
    make_address(session, customer=customer, is_primary=True)
    session.refresh(customer)
    assert customer.problems({"vat_number"}) == {}
    customer.vat_number = "980780685"
    assert set(customer.problems({"vat_number"})) == {"vat_number"}


@pytest.mark.parametrize(
    ("country", "good", "bad"),
    [
        ("GB", "01234567", "1234"),
        ("GB", "sc123456", "XX123456"),
        ("FR", "732 829 320", "732829321"),
        ("NO", "923609016", "923609017"),
    ],
)
def test_company_numbers(country: str, good: str, bad: str):
    number = places.company_number("company_number", good)
    assert places.company_number_problem("company_number", number, country) == {}
    assert set(places.company_number_problem("company_number", bad, country)) == {"company_number"}
    assert places.company_number_problem("company_number", bad, None) == {}
    assert places.company_number_problem("company_number", bad, "BR") == {}


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("GB", "0113 496 0123"),
        ("GB", "07700 900123"),
        ("GB", "01632 960001"),
        ("GB", "+1 202-555-0143"),
        ("GB", "(0)20 7946 0018"),
        ("FR", "01 42 68 53 00"),
        ("DE", "030 901820"),
        ("US", "(202) 555-0143"),
        ("IT", "06 698 12345"),
    ],
)
def test_phones(country: str, number: str):
    phone = Phone(number=number, country=country)
    assert phone.problems({"number"}) == {}


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("GB", "12345"),
        ("GB", "0000 000 0000"),
        ("US", "0113 496 0123"),
        ("GB", "+999 12345678"),
        ("FR", "0113 496 0123"),
    ],
)
def test_phones_that_are_none(country: str, number: str):
    problem = Phone(number=number, country=country).problems({"number"})
    assert problem["number"].startswith("Enter a phone number such as ")


@pytest.mark.parametrize("bad", ["", "call me", "0113 496 0123 ext 4", "٠١١٣", "0113;496", None, "1" * 41])
def test_phones_of_the_wrong_characters(bad):
    assert set(refused(Phone(number="0113 496 0123"), number=bad)) == {"number"}


@pytest.mark.parametrize(
    ("country", "postcode", "kept"),
    [
        ("GB", "ls29jt", "LS2 9JT"),
        ("GB", "  ls2   9jt ", "LS2 9JT"),
        ("GB", "ec1a1bb", "EC1A 1BB"),
        ("GB", "W1A 0AX", "W1A 0AX"),
        ("GB", "GIR 0AA", "GIR 0AA"),
        ("GB", "BFPO 801", "BFPO 801"),
        ("GB", "m11ae", "M1 1AE"),
        ("JE", "je23ab", "JE2 3AB"),
        ("IE", "d02x285", "D02 X285"),
        ("NL", "1012ab", "1012 AB"),
        ("CA", "k1a0b1", "K1A 0B1"),
        ("SE", "11120", "111 20"),
        ("US", "20500-0003", "20500-0003"),
        ("DE", "10115", "10115"),
        ("HK", "whatever", "WHATEVER"),
        ("GB", None, None),
    ],
)
def test_postcodes(session: Session, country: str, postcode: str | None, kept: str | None):
    address = make_address(session, country=country, postcode=postcode)
    assert address.problems({"postcode"}) == {}
    assert address.postcode == kept
    assert address.postcode_key == (kept or "").replace(" ", "").casefold()


@pytest.mark.parametrize(
    ("country", "bad", "example"),
    [
        ("GB", "LS2", "LS2 9JT"),
        ("GB", "QQ1 1AA", "LS2 9JT"),
        ("GB", "LS2 9J٢", "LS2 9JT"),
        ("DE", "1011", "10115"),
        ("US", "ABCDE", "20500"),
        ("NL", "0012 AB", "1012 AB"),
    ],
)
def test_postcodes_that_are_none(country: str, bad: str, example: str):
    assert places.postcode_problem("postcode", bad, country) == {
        "postcode": f"Enter a postcode such as {example}."
    }


def test_every_example_postcode_fits_its_own_country():
    for country, (_, example) in places._POSTCODES.items():
        assert places.postcode_problem("postcode", example, country) == {}
        assert places.tidy_postcode(example.replace(" ", "").lower(), country) == example


def test_lists_for_forms():
    assert ("GB", "United Kingdom") in places.country_choices("en_GB")
    assert ("GB", "Royaume-Uni") in places.country_choices("fr")
    assert ("GBP", "GBP – British Pound") in places.currency_choices("en_GB")
    assert ("en-GB", "English (United Kingdom)") in places.language_choices("en_GB")
    for code, _ in places.language_choices("en_GB"):
        assert places.language("language", code) == code
    for code, _ in places.country_choices("en_GB"):
        assert places.country("country", code) == code
    assert places.country("country", "uk") == "GB"

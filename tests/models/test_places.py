"""What depends on the country: VAT and company numbers, phones, postcodes, and the lists that forms offer."""

import pytest
from sqlalchemy.orm import Session

from models import normalise, places
from models.base import Invalid
from models.customer import Customer
from models.phone import Phone
from tests.factories import make_address, make_customer
from tests.models.test_validate import refused

pytestmark = pytest.mark.data_release


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


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("GR094259216", "EL094259216"), ("GR 094 259 216", "EL094259216"), ("CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("NO 995525828 MVA", "NO995525828MVA"), ("FR40 303 265 045", "FR40303265045"),
    ],
)  # fmt: skip
def test_a_vat_number_is_kept_as_its_country_writes_it(typed: str, kept: str):
    assert Customer(vat_number=typed).vat_number == kept


@pytest.mark.parametrize("doubled", ["GBGB980780684", "FRFR40303265045", "DEDE136695976", "ELEL094259216"])
def test_country_letters_typed_twice_are_refused(doubled: str):
    assert "once" in refused(Customer(), vat_number=doubled)["vat_number"]


@pytest.mark.parametrize(
    ("country", "good", "bad"),
    [
        ("MX", "GODE561231GR8", "GODE569931GR8"), ("MX", "FRA850101AB1", "FRA859901AB1"),
        ("AU", "83 914 571 673", "83 914 571 674"), ("CH", "CHE-107.787.577", "CHE-107.787.578"),
    ],
)  # fmt: skip
def test_a_number_without_country_letters_goes_by_its_own_countrys_rule(country: str, good: str, bad: str):
    assert _vat_problems(good, country) == {}
    assert set(_vat_problems(bad, country)) == {"vat_number"}


def _vat_problems(typed: str, country: str) -> dict[str, str]:
    """What a save of it would be refused with."""
    try:
        number = places.vat_number("vat_number", typed)
    except Invalid as invalid:
        return invalid.errors
    return places.vat_number_problem("vat_number", number, country)


@pytest.mark.parametrize(
    ("country", "spellings", "kept"),
    [
        ("IE", ["IE1234567T", "ie 1234567 t", "IE-1234567-T", "VAT IE1234567T"], "IE1234567T"),
        ("NL", ["NL123456782B01", "NL 1234.56.782.B01", "BTW NL123456782B01", "NL１２３４５６７８２B01"], "NL123456782B01"),
        ("BE", ["BE0123456749", "BE 0123.456.749", "BE\u00a00123\u2013456\u2013749"], "BE0123456749"),
        ("PT", ["PT501234560", "PT 501 234 560", "NIF: PT501234560"], "PT501234560"),
        ("ES", ["ESB12345674", "ES-B-12345674", "NIF ESB12345674"], "ESB12345674"),
        ("IT", ["IT01234560124", "P.IVA IT01234560124"], "IT01234560124"),
        ("GB", ["GB123456727", "VAT no. GB 123 4567 27"], "GB123456727"),
        ("DE", ["DE136695976", "USt-IdNr. DE 136 695 976"], "DE136695976"),
        ("GR", ["EL123456783", "GR 123456783"], "EL123456783"),
        ("BR", ["12.345.678/0001-95", "12345678000195"], "12345678000195"),
        ("CA", ["12345 6782 RT 0001", "123456782RT0001"], "123456782RT0001"),
        ("CH", ["CHE-107.787.577", "CHE107787577"], "CHE107787577"),
    ],
)  # fmt: skip
def test_a_vat_number_is_one_however_it_is_typed(country: str, spellings: list[str], kept: str):
    assert {places.vat_number("vat_number", spelling) for spelling in spellings} == {kept}
    assert places.vat_number_problem("vat_number", kept, country) == {}


def test_a_swiss_number_says_itself_whose_it_is():
    assert places.vat_number_problem("vat_number", "CHE107787577", None) == {}


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
        ("NO", "995525828 MVA", "995525829 MVA"),
        ("FR", "732 829 320 00074", "732 829 320 00075"),
        ("AU", "83 914 571 673", "83 914 571 674"),
        ("AU", "004 085 616", "004 085 617"),
        ("MX", "GODE561231GR8", "GODE569931GR8"),
        ("CH", "CHE-100.155.212", "CHE-100.155.213"),
        ("CH", "CHE\u2013100.155.212", "CHE-100.155.213"),
        ("FR", "123-456-782", "123-456-783"),
        ("AU", "８３-914-571-673", "83-914-571-674"),
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
        ("IE", "01\u2013234\u20135678"),
        ("NL", "06\u201112345678"),
        ("BE", "0470/12.34.56"),
        ("PT", "912\u00a0345\u00a0678"),
        ("BR", "(11) 96123\u20134567"),
        ("IN", "+91\u201281234\u201256789"),
        ("CA", "506.234.5678"),
        ("ES", "612\u200b 34 56 78"),
        ("JP", "０３－１２３４－５６７８"),
    ],
)
def test_phones(country: str, number: str):
    phone = Phone(number=number, country=country)
    assert phone.problems({"number"}) == {}
    assert phone.number.isascii(), "wide digits are narrow, and every dash is one"


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
    assert address.postcode_key == (kept or "").replace(" ", "").replace("-", "").casefold()


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


@pytest.mark.parametrize(
    ("country", "spellings", "kept"),
    [
        ("DE", ["10115", "D-10115", "DE-10115", "D 10115", "D–10115", "D10115", "D - 10115"], "10115"),
        ("CH", ["8001", "CH-8001", "ch 8001", "CH8001"], "8001"),
        ("SE", ["111 20", "11120", "SE-111 20", "S-11120", "111-20"], "111 20"),
        ("IE", ["D02 X285", "d02x285", "D02-X285", "IRL-D02 X285", "IE D02 X285"], "D02 X285"),
        ("BE", ["1000", "B-1000", "BE-1000"], "1000"),
        ("IN", ["110001", "110 001", "IN-110001"], "110001"),
        ("CA", ["K1A 0B1", "k1a-0b1", "CA-K1A 0B1"], "K1A 0B1"),
        ("ES", ["28001", "E-28001", "28 001"], "28001"),
        ("IT", ["00184", "I-00184"], "00184"),
        ("US", ["20500-0001", "205000001", "20500 0001"], "20500-0001"),
        ("JP", ["100-0001", "1000001", "100 0001", "１００－０００１", "〒100-0001"], "100-0001"),
        ("PL", ["00-001", "00001", "PL-00-001"], "00-001"),
        ("PT", ["1000-001", "1000001"], "1000-001"),
        ("BR", ["01310-100", "01310100"], "01310-100"),
        ("LU", ["1111", "L-1111"], "1111"),
        ("AT", ["1010", "A-1010"], "1010"),
        ("NL", ["1012 AB", "1012ab", "NL-1012 AB", "1012-AB"], "1012 AB"),
        (
            "GB",
            ["LS2 9JT", "ls29jt", "GB-LS2 9JT", "LS2-9JT", "ＬＳ２ ９ＪＴ", "LS2\u00a09J\u200bT"],
            "LS2 9JT",
        ),
    ],
)
def test_a_postcode_is_one_however_it_is_typed(
    session: Session, country: str, spellings: list[str], kept: str
):
    rows = [make_address(session, country=country, postcode=spelling) for spelling in spellings]
    assert {row.postcode for row in rows} == {kept}
    assert {row.postcode_key for row in rows} == {normalise.postcode(kept)}
    assert [places.postcode_problem("postcode", spelling, country) for spelling in spellings] == [{}] * len(
        rows
    )

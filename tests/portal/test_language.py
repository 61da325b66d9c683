"""The language of the portal: the customer's, or else the browser's, the shop's, English (rule 6.15)."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa

from models.account import AccountKind
from models.base import metadata
from models.customer import Customer
from models.places import country_choices, language_choices
from portal import application, forms, language
from tests import factories
from tests.databases import recorded_statements
from tests.factories import NOW
from tests.portal.conftest import Portal, Visitor
from tests.portal.login_as_desk import desk
from tests.portal.test_walk import OF_A_LINK, ids_of, path, rules, somebody
from tests.rules.portal_words import shown

LANG = re.compile(r'<html lang="([^"]+)">')
SIGN_IN = {"en": "Sign in", "de": "Anmelden", "fr": "Se connecter"}


def lang(answer: Any) -> str:
    """What a page says it is in."""
    found = LANG.search(answer.text)
    assert found, answer.text
    return found.group(1)


def varies(answer: Any) -> bool:
    """Whether an answer says that another browser may get another."""
    return "Accept-Language" in answer.headers.get("Vary", "")


def wish(text: str | None) -> dict[str, Any]:
    """What a browser sends along."""
    return {} if text is None else {"headers": {"Accept-Language": text}}


def set_shop(portal: Portal, locale: str) -> None:
    """Give the shop a language and region."""
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="locale", value=locale)


# -- who is not signed in


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        ("de", "de"), ("DE", "de"), ("fr-CA,fr;q=0.9", "fr"), ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("de-CH, en;q=0.5", "de"), ("fr-CH, de;q=0.3", "fr"), ("en;q=0.2, fr;q=0.7, de;q=0.4", "fr"),
        ("sv, pl;q=0.9, de;q=0.1", "de"), ("de;q=0, fr;q=0.1", "fr"), ("sv, *;q=0.5", "en"), ("*", "en"),
        ("den", "en"), ("de_AT", "de"), ("", "en"), (None, "en"), (";;q=x,,=", "en"), ("de;q=0", "en"), ("x" * 3_000, "en"),
    ],
)  # fmt: skip
def test_nobody_is_answered_in_what_their_browser_likes_best(
    portal: Portal, wanted: str | None, spoken: str
) -> None:
    answer = portal.visitor().get("/sign-in/", **wish(wanted))
    assert (lang(answer), varies(answer)) == (spoken, True)
    assert f"<h1>{SIGN_IN[spoken]}</h1>" in answer.text


@pytest.mark.parametrize(
    ("locale", "wanted", "spoken"),
    [
        ("de_DE", None, "de-DE"), ("de_DE", "sv", "de-DE"), ("de_DE", "de", "de-DE"), ("de_DE", "en", "en"), ("de_DE", "fr", "fr"),
        ("fr_CA", "fr-CA,en;q=0.5", "fr-CA"), ("sv_SE", None, "en"), ("sv_SE", "sv,de;q=0.5", "de"), ("en_US", "de", "de"),
    ],
)  # fmt: skip
def test_where_the_browser_says_nothing_usable_it_is_the_shops(
    portal: Portal, locale: str, wanted: str | None, spoken: str
) -> None:
    set_shop(portal, locale)
    answer = portal.visitor().get("/sign-in/", **wish(wanted))
    assert (lang(answer), varies(answer)) == (spoken, True)


# -- customers


@pytest.mark.parametrize(
    ("own", "wanted", "spoken"),
    [
        ("de", "fr", "de"), ("fr", None, "fr"), ("de-AT", "fr", "de-AT"), ("en-GB", "de", "en"), ("en", "de", "en"),
        (None, "fr", "fr"), (None, None, "en"), ("sv", "fr", "fr"), ("sv", None, "en"),
    ],
)  # fmt: skip
def test_customers_read_their_own_language_and_without_one_their_browsers(
    portal: Portal, own: str | None, wanted: str | None, spoken: str
) -> None:
    visitor = portal.signed_in(portal.customer(language=own))
    answer = visitor.get("/", **wish(wanted))
    assert lang(answer) == spoken
    assert varies(answer) is (own in (None, "sv"))


def test_dates_and_figures_are_written_as_in_the_mails_of_that_language(portal: Portal) -> None:
    one = portal.customer(language="de", pay_on_account=True, account_balance=123_456, currency="EUR")
    with portal.arrange() as session:
        factories.make_order(session, customer_id=one, placed_at=NOW, total=123_456, currency="EUR")
        entry = factories.make_loyalty_entry(session, customer_id=one, points=12_345)
        factories.make_loyalty_lot(session, entry=entry, points=12_345)
        invoice = factories.make_invoice(session, customer_id=one)
        given = {"kind": AccountKind.INVOICE, "amount": 123_456, "method": None, "currency": "EUR"}
        factories.make_account_entry(session, customer_id=one, invoice_id=invoice.id, **given)
    visitor = portal.signed_in(one)
    page = visitor.get("/").text
    assert "1.234,56\xa0€" in page
    assert "12.345" in page
    assert "1. Sept. 2026" in page
    sheet = visitor.get("/account/statement/").text
    assert "offen 1.234,56\xa0€" in sheet
    assert "Kontoauszug" in sheet


@pytest.mark.parametrize(
    ("own", "locale", "amount"),
    [("de", "en_GB", "1.234,50\xa0£"), ("de-CH", "en_GB", "£\xa01’234.50"), ("en", "de_DE", "£1,234.50"), (None, "en_US", "£1,234.50")],
)  # fmt: skip
def test_the_convention_of_a_region_is_that_of_the_mails(
    portal: Portal, own: str | None, locale: str, amount: str
) -> None:
    set_shop(portal, locale)
    one = portal.customer(language=own)
    with portal.arrange() as session:
        factories.make_order(session, customer_id=one, total=123_450)
    assert amount in portal.signed_in(one).get("/orders/").text


def test_another_language_shows_at_once(portal: Portal) -> None:
    one = portal.customer(language="en", first_name="Ann", last_name="Lee")
    visitor = portal.signed_in(one)
    assert ">Your details</h1>" in visitor.get("/details/").text

    def save(chosen: str) -> str:
        data = {
            "first_name": "Ann",
            "last_name": "Lee",
            "version": portal.read(Customer.version, Customer.id == one),
        }
        visitor.post("/details/", {**data, "language": chosen})
        return str(visitor.get("/details/").text)

    german = save("de")
    assert "Ihre Angaben wurden gespeichert." in german
    assert ">Ihre Angaben</h1>" in german
    assert '<option selected value="de">Deutsch</option>' in german
    french = save("fr")
    assert "Vos informations ont été enregistrées." in french
    assert '<option selected value="fr">français</option>' in french


def test_who_signs_out_is_told_in_the_language_of_the_page_that_says_so(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(language="de"))
    visitor.post("/sign-out/", page="/addresses/new/", **wish("fr"))
    page = visitor.get("/sign-in/", **wish("fr"))
    assert "Vous êtes déconnecté." in page.text
    assert lang(page) == "fr"


def test_staff_see_the_page_as_the_customer_does(portal: Portal) -> None:
    visitor = desk(portal).log_in(portal.customer(language="de", first_name="Jo"))
    page = visitor.get("/", **wish("en-GB,fr;q=0.5"))
    assert (lang(page), varies(page)) == ("de", False)
    assert "Guten Tag, Jo" in page.text
    assert "Noch 30 Minuten." in page.text
    portal.clock.move(minutes=29)
    assert "Noch 1 Minute." in visitor.get("/").text


def test_what_the_browser_of_staff_likes_is_not_what_the_customer_would_see(portal: Portal) -> None:
    set_shop(portal, "fr_FR")
    page = desk(portal).log_in(portal.customer(language=None)).get("/", **wish("en-GB"))
    assert (lang(page), varies(page)) == ("fr-FR", False)


# -- what is wrong


def test_pages_of_errors_are_in_the_language_of_the_others(portal: Portal) -> None:
    german = portal.signed_in(portal.customer(language="de"))
    nobody = portal.visitor()
    for answer in (german.get("/nowhere/"), nobody.get("/nowhere/", **wish("de"))):
        assert (answer.status_code, lang(answer)) == (404, "de")
        assert "Diese Seite gibt es nicht, oder Sie haben keinen Zugriff darauf." in answer.text
    assert not varies(german.get("/nowhere/"))
    assert varies(nobody.get("/nowhere/"))
    refused = german.client.post("/portal/addresses/new/", data={})
    assert (refused.status_code, "Dieses Formular ist abgelaufen." in refused.text) == (400, True)
    assert "Diese Adresse nimmt solche Anfragen nicht an." in german.get("/sign-out/").text
    incomplete = german.post("/addresses/new/", {"key": ""})
    assert "In diesem Formular fehlt etwas." in incomplete.text


def test_a_failure_is_told_in_the_customers_language_without_asking_for_it(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_shop(portal, "fr_FR")
    german, nobody = portal.signed_in(portal.customer(language="de")), portal.visitor()
    views = portal.app.extensions["clientele.portal"].view_functions

    def fail() -> None:
        raise RuntimeError

    monkeypatch.setitem(views, "orders.index", fail)
    monkeypatch.setitem(views, "getting_in.sign_in", fail)
    portal.app.extensions["clientele.portal"].testing = False
    monkeypatch.setitem(portal.app.extensions["clientele.portal"].config, "PROPAGATE_EXCEPTIONS", False)
    answer = german.get("/orders/")
    assert (answer.status_code, lang(answer)) == (500, "de")
    assert "Es tut uns leid" in answer.text
    with recorded_statements() as statements:
        answer = nobody.get("/sign-in/", **wish("de"))
    assert (answer.status_code, lang(answer)) == (500, "de")
    assert not [statement for statement in statements if "shop_setting" in statement]


def test_a_database_that_cannot_be_asked_does_not_keep_an_error_from_being_told(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Any:
        raise sa.exc.OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr(language, "shop", gone)
    answer = portal.visitor().get("/nowhere/", **wish("de"))
    assert (answer.status_code, lang(answer)) == (404, "de")
    assert lang(portal.visitor().get("/nowhere/")) == "en"


def test_what_forms_say_of_themselves_is_translated_too(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(language="de", first_name="Ann", last_name="Lee"))
    told = visitor.post("/addresses/new/", {"key": "k", "line1": "", "country": "DE", "postcode": "x" * 20})
    assert told.status_code == 422
    assert "Geben Sie die erste Zeile der Adresse ein, zum Beispiel Mühlenweg 14." in told.text
    assert "Verwenden Sie höchstens 16 Zeichen." in told.text
    weak = visitor.post(
        "/security/password/", {"current": "", "password": "x", "again": "y"}, page="/security/"
    )
    assert "Geben Sie Ihr aktuelles Passwort ein." in weak.text
    assert "Die Passwörter stimmen nicht überein." in weak.text


def test_wtforms_says_its_own_in_the_language_of_the_page(portal: Portal) -> None:
    app = portal.app.extensions["clientele.portal"]
    for wanted, begins in (
        ("de", "Feld kann nicht länger als"),
        ("fr", "Le champ ne peut"),
        ("en", "Field cannot be longer"),
    ):
        with app.test_request_context("/", headers={"Accept-Language": wanted}):
            assert forms.Form().meta.get_translations(None).ngettext(
                "Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters.", 2
            ).startswith(begins)  # fmt: skip


def test_every_form_of_the_portal_takes_the_language_of_the_page() -> None:
    assert application.PAGES
    assert forms.PlainForm.__subclasses__()
    ours = [form for form in _below(forms.PlainForm) if form.__module__.startswith("portal.")]
    assert len(ours) > 8
    assert [form for form in ours if not issubclass(form, forms.Form)] == []


def _below(form: type) -> list[type]:
    return [each for child in form.__subclasses__() for each in (child, *_below(child))]


def test_a_sentence_about_a_field_of_no_name_is_no_description_of_a_catalogue(portal: Portal) -> None:
    answer = portal.visitor().get("/sign-in/?_=%00", **wish("de"))
    assert answer.status_code == 400
    assert "Project-Id-Version" not in answer.text


def test_a_phone_is_written_with_its_extension_in_words(portal: Portal) -> None:
    one = portal.customer(language="fr")
    with portal.arrange() as session:
        factories.make_phone(session, customer_id=one, number="0113 496 0123", extension="204")
    assert "0113 496 0123, poste 204" in portal.signed_in(one).get("/details/").text


def test_a_language_costs_no_statement_and_reads_no_catalogue(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {}
    for own in ("en", "de"):
        visitor = portal.signed_in(portal.customer(language=own))
        visitor.get("/")
        monkeypatch.setattr(
            "actions.core.languages._words", lambda _path: pytest.fail("a catalogue was read")
        )
        with recorded_statements() as statements:
            visitor.get("/")
        counts[own] = len(statements)
        monkeypatch.undo()
    assert counts["en"] == counts["de"]


# -- a walk in German


class Text(HTMLParser):
    """What of a page people read or hear, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what names something to those who hear it."""
        self.found += [
            value for name, value in attrs if name in ("aria-label", "title", "alt", "placeholder") and value
        ]

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if text := " ".join(data.split()):
            self.found.append(text)


def data_of(portal: Portal) -> set[str]:
    """All that stands in the database, as it may stand on a page."""
    with portal.engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return {" ".join(str(value).split()) for row in rows for value in row if isinstance(value, str)}


def ours(text: str, known: set[str]) -> bool:
    """Whether a text says something that is no data: it has letters left once what is stored is taken out."""
    for value in sorted(known, key=len, reverse=True):
        text = text.replace(value, "")
    return bool(re.search(r"[A-Za-z]{3}", text))


ALIKE = {"Clientele", "Werkzeug", "Name", "Fax"}
"""What the shop and the browser of tests are called, and words that German shares with English."""


BABELS = {name for choices in (country_choices("de"), language_choices("de")) for _code, name in choices}
"""Names of countries and languages, some of which are the same in both."""


def rendered(portal: Portal, visitor: Visitor, mine: dict[str, int]) -> dict[str, list[str]]:
    """Every GET page -> what it says."""
    found = {}
    for rule in rules(portal, "GET"):
        answer = visitor.get(path(portal, rule, **mine))
        if (answer.mimetype == "text/html" and answer.status_code == 200) or rule.endpoint in OF_A_LINK:
            found[rule.endpoint] = Text(answer.text).found
    return found


def english() -> list[re.Pattern[str]]:
    """Every message that reads otherwise in German, as a page would have it."""
    words = language.portal_translations("de")[1]
    singles = [text for text in shown() if isinstance(text, str) and words.gettext(text) != text]
    return [re.compile(re.sub(r"%\\\(\w+\\\)s", ".+", re.escape(text))) for text in singles]


@pytest.mark.parametrize("signed_in", [True, False])
def test_no_page_has_an_english_sentence_of_ours_in_german(portal: Portal, signed_in: bool) -> None:
    one = somebody(
        portal, created_at=NOW, language="de", account_type="trade", first_name="Jörg", last_name="Groß"
    )
    with portal.arrange() as session:
        factories.make_phone(session, customer_id=one, extension="204")
        session.get_one(Customer, one).company_name = "Groß & Söhne"
    mine = ids_of(portal, one)
    visitor = portal.signed_in(one) if signed_in else portal.visitor()
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    pages = rendered(portal, visitor, mine)
    assert len(pages) > (25 if signed_in else 6)
    data, patterns = data_of(portal), english()
    for endpoint, texts in pages.items():
        left = [t for t in texts if any(p.fullmatch(t) for p in patterns) and t not in data]
        assert left == [], endpoint
    with portal.arrange() as session:
        session.get_one(Customer, one).language = "en"
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    for endpoint, texts in rendered(portal, visitor, mine).items():
        same = set(texts) & set(pages[endpoint]) - BABELS
        assert {text for text in same if ours(text, data | ALIKE)} == set(), endpoint

"""Every mail: renders in one look, says the same in HTML and in text, and nothing typed by anybody breaks out of its place (rule 14.1)."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import ChoiceLoader, DictLoader, TemplateNotFound

from actions import ROOT
from actions.core import languages, mail_templates
from actions.core.mail_templates import MAIL_TEMPLATES, MailTemplate
from actions.statements.wording import PRINTED
from models.customer import Customer
from models.mail import BASE_MARK, PORTAL_MARK, Addresses, masked
from models.shop import Shop

SHOP = Shop(name="Vine & Barrel", email="hello@shop.example")
FOLDER = ROOT / "templates" / "mail"
every_letter = pytest.mark.parametrize("code", sorted(MAIL_TEMPLATES))


class Reader(HTMLParser):
    """What a mail program makes of the HTML."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.lang = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.links += [str(given[n]) for n in ("href", "src") if n in given]
        self.lang = self.lang or given.get("lang") or ""

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["title"]:
            self.words += data.split()


def written(code: str, name: str = "Rashid Karim", shop: Shop = SHOP, language: str | None = None) -> Any:
    """A letter whose values are whatever they may be."""
    values = {value: f"<i>{value}</i>" for value in MAIL_TEMPLATES[code].values}
    return mail_templates.write(MAIL_TEMPLATES[code], shop, name, language, values)


@every_letter
def test_a_letter_has_one_subject_line_and_says_the_same_twice(code: str) -> None:
    made = written(code)
    page = Reader(made.html)
    assert made.subject == mail_templates.one_line(made.subject) != ""
    assert len(made.subject) <= mail_templates.LONGEST_SUBJECT
    links = re.findall(r"https?://\S+", made.text)
    assert sorted(set(page.links)) == sorted(set(links))
    assert all(link.startswith((BASE_MARK, PORTAL_MARK)) for link in links), (
        "no mail leads to, or loads from, another host"
    )
    said, plain = " ".join(page.words), " ".join(made.text.split())
    for sentence in re.split(r"(?<=[.,!]) ", plain.partition(" -- ")[0]):
        assert sentence in said, "the text says what the HTML says"
    assert not {"script", "style", "img", "form", "iframe"} & set(page.tags)
    assert max(map(len, [*made.html.splitlines(), *made.text.splitlines()])) < 900, "mail has a longest line"


@every_letter
def test_nothing_that_anybody_typed_becomes_markup(code: str) -> None:
    nasty = "<b>x</b> & {{ 7 * 7 }} %(shop)s"
    made = written(code, nasty, Shop(name="<i>Shop</i>"))
    assert "<b>" not in made.html
    assert "<i>" not in made.html
    assert "&lt;b&gt;x&lt;/b&gt; &amp; {{ 7 * 7 }} %(shop)s" in made.html
    assert f"Dear {nasty}," in made.text


def test_every_file_belongs_to_a_letter_and_every_letter_has_both() -> None:
    wanted = {f"{code}.{kind}" for code in MAIL_TEMPLATES for kind in ("html", "txt")}
    assert {path.name for path in FOLDER.iterdir() if not path.name.startswith("_")} == wanted
    assert all(code == letter.code for code, letter in MAIL_TEMPLATES.items())


def test_a_letter_is_given_exactly_what_it_asks_for() -> None:
    with pytest.raises(ValueError, match="takes"):
        mail_templates.write(MAIL_TEMPLATES["trade_approved"], SHOP, "", None, {"amount": 5})


def test_nobody_is_addressed_by_a_number_or_an_address() -> None:
    assert "Hello," in written("trade_approved", mail_templates.name_of(Customer(email="jo@x.com"))).text
    assert mail_templates.name_of(Customer(first_name="Jo", company_name="Vine Ltd")) == "Jo"
    assert mail_templates.name_of(Customer(company_name="Vine Ltd")) == "Vine Ltd"


def test_a_shop_without_an_address_says_that_nobody_reads_answers() -> None:
    assert "Just reply" in written("trade_approved").text
    for text in (written("trade_approved", shop=Shop()).text, written("trade_approved", shop=Shop()).html):
        assert "Replies are not read" in text


def forget() -> None:
    """Have languages and templates read again."""
    languages.translations.cache_clear()
    mail_templates._environment.cache_clear()


@pytest.mark.parametrize("language", ["de", "de-AT", "de_DE"])
def test_people_are_written_to_in_their_language(language: str) -> None:
    made = written("trade_approved", language=language)
    assert made.subject == "Ihr Händlerkonto ist freigegeben"
    assert "Guten Tag Rashid Karim," in made.text
    assert Reader(made.html).lang.startswith("de")


LANGUAGES = sorted(path.name for path in languages.TRANSLATIONS.iterdir())
every_language = pytest.mark.parametrize("language", LANGUAGES)


def words_of_letters() -> set[str]:
    """Every sentence that a letter, or the statement that goes with one, may say."""
    methods = [("**.html", "jinja2"), ("**.txt", "jinja2")]
    found = extract_from_dir(FOLDER, methods, {"**": {"trimmed": "true"}})
    return (
        {str(words) for _file, _line, words, _comments, _context in found}
        | {letter.subject for letter in MAIL_TEMPLATES.values()}
        | PRINTED
    )


@every_language
def test_a_language_has_words_for_all_that_a_letter_may_say_and_for_nothing_else(language: str) -> None:
    with (languages.TRANSLATIONS / language / "LC_MESSAGES" / "letters.po").open("rb") as file:
        catalogue = read_po(file)
    known = {str(message.id): message for message in catalogue if message.id}
    assert known.keys() == words_of_letters()
    for words, message in known.items():
        assert message.string, words
        assert not message.fuzzy, words
        names = re.findall(r"%\(\w+\)s", words)
        assert sorted(re.findall(r"%\(\w+\)s", message.string)) == sorted(names), words
        assert "%(" in words or list(message.check(catalogue)) == []


@every_language
@every_letter
def test_a_letter_says_nothing_in_english_to_who_reads_another_language(code: str, language: str) -> None:
    english, made = written(code), written(code, language=language)
    assert made.subject != english.subject
    plain = {line for line in english.text.splitlines() if " " in line.strip() and "http" not in line}
    assert plain & set(made.text.splitlines()) <= {SHOP.name, "-- "}


@pytest.mark.parametrize("language", ["sv", "xx-nope", "?", None])
def test_where_there_are_no_words_it_is_english_and_says_so(language: str | None) -> None:
    made = written("trade_approved", language=language)
    assert made.subject == "Your trade account is approved"
    assert Reader(made.html).lang == "en"


def test_without_a_language_it_is_the_shops() -> None:
    assert written("trade_approved", shop=Shop(locale="de_DE")).subject.startswith("Ihr")


def test_a_link_is_the_shops_own_and_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "{% extends '_base.KIND' %}{% block body %}LINK{% endblock %}"
    files = {
        "go.html": body.replace("KIND", "html").replace(
            "LINK", "{{ button(link('/reset/?a=1&b=2'), 'Go') }}"
        ),
        "go.txt": body.replace("KIND", "txt").replace("LINK", "{{ link('/reset/?a=1&b=2') }}"),
    }
    monkeypatch.setattr(mail_templates, "LOADER", ChoiceLoader([DictLoader(files), mail_templates.LOADER]))
    forget()
    made = mail_templates.write(MailTemplate("go", "Go", "Go on"), SHOP, "", None, {})
    forget()
    page = Reader(
        mail_templates.complete(made.html, Addresses("https://desk.example.org/", "https://my.example.org"))
    )
    assert page.links == ["https://desk.example.org/reset/?a=1&b=2"]
    assert page.links[0] in page.words
    assert page.links[0] in mail_templates.complete(
        made.text, Addresses("https://desk.example.org", "https://my.example.org")
    )
    with pytest.raises(TemplateNotFound):
        mail_templates.write(MailTemplate("gone", "Gone", "Gone"), SHOP, "", None, {})


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "reset", ""])
def test_a_link_cannot_lead_elsewhere(path: str) -> None:
    with pytest.raises(ValueError, match="path of ours"):
        mail_templates.link(path)


@pytest.mark.parametrize(
    "secret", ["short", "with space in the middle", "<b>0123456789abcdef</b>", "a" * 201]
)
def test_a_secret_that_would_not_stand_in_an_address_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        mail_templates.checked_secret(secret)


def test_a_subject_is_one_line_whatever_is_in_it() -> None:
    letter = MailTemplate("trade_approved", "x", "From %(shop)s")
    made = mail_templates.write(letter, Shop(name="A\r\nBcc: all@example.com\u2028\x00!"), "", None, {})
    assert made.subject == "From A Bcc: all@example.com !"


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jo.smith@x.com", "j***@x.com"), ("j@x.com", "j***@x.com"), (None, ""), ("nobody", "")],
)  # fmt: skip
def test_an_address_in_passing_gives_little_away(address: str | None, shown: str) -> None:
    assert masked(address) == shown

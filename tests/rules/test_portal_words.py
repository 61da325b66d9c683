"""The portal speaks every language that mails are written in: nothing a customer can read is left in English (rule 6.15)."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from actions.core import languages
from tests.rules.portal_words import FOR_STAFF, NAMED, ONLY, Words, messages, reached, shown

LANGUAGES = sorted(languages.shipped() - {languages.ENGLISH})
every_language = pytest.mark.parametrize("language", LANGUAGES)
PLACES = re.compile(r"%(?:\(\w+\))?[a-z]|%%")
MARKUP = re.compile(r"<[a-z/]|&[a-z#]+;")


def catalogue(language: str, kind: str) -> Catalog:
    """Return the words of a language as its translators left them."""
    with (languages.TRANSLATIONS / language / "LC_MESSAGES" / f"{kind}.po").open("rb") as file:
        return read_po(file)


def known(language: str, kind: str) -> set[Words]:
    """Return what a catalogue has words for."""
    ids = (message.id for message in catalogue(language, kind) if message.id)
    return {words if isinstance(words, str) else (words[0], words[1]) for words in ids}


def test_there_is_something_to_translate() -> None:
    assert len(shown()) > 400
    assert {"Dispatched", "Mobile", "The passwords do not match.", "Balance"} <= shown()
    assert ("%(num)s minute left.", "%(num)s minutes left.") in shown()


@every_language
def test_a_language_has_words_for_all_that_a_customer_reads_and_for_nothing_else(language: str) -> None:
    of_mails = known(language, languages.LETTERS)
    assert known(language, languages.PORTAL) == shown() - of_mails


@every_language
def test_a_translation_is_whole_and_has_the_same_places(language: str) -> None:
    found = catalogue(language, languages.PORTAL)
    for message in found:
        if message.id:
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            assert all(texts), message.id
            assert not message.fuzzy, message.id
            assert {tuple(sorted(PLACES.findall(text))) for text in texts} == {
                tuple(sorted(PLACES.findall(text))) for text in ids
            }, message.id
            assert not any(MARKUP.search(text) for text in texts), message.id
            assert len(texts) == (found.num_plurals if message.pluralizable else 1), message.id


@every_language
def test_a_translation_ends_as_its_sentence_does(language: str) -> None:
    for message in catalogue(language, languages.PORTAL):
        if isinstance(message.id, str) and message.id:
            ends = [text[-1] if text[-1] in ".?:" else "" for text in (message.id, message.string)]
            assert ends[0] == ends[1], message.id


def test_french_has_no_sign_that_stands_alone_in_a_line() -> None:
    alone = [
        m.id for m in catalogue("fr", languages.PORTAL) if m.id and re.search(r" [:;?!»]", str(m.string))
    ]
    assert alone == []


def test_what_is_said_to_be_for_staff_is_there() -> None:
    for name, places in (*FOR_STAFF.items(), *ONLY.items()):
        assert name in reached(), name
        assert places - {where for where, _words in messages(name)} <= {"*"}, name
    for choice in NAMED:
        module, _dot, where = choice.rpartition(".")
        assert where in {place for place, _words in messages(module)}, choice

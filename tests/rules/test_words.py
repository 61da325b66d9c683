"""What people read says it in the words of the field (the glossary in docs/rules.md): a list of words no message may use."""

import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from tests.rules.vocabulary import CONCEPTS, EVERYWHERE, found

ROOT = Path(__file__).resolve().parents[2]
CODE = ("actions", "admin", "jobs", "models", "portal", "web")
KEYWORDS = {"_": None, "_l": None, "N_": None, "ngettext": (1, 2)}
PAGES = (
    "README.md",
    "docs/access.md",
    "docs/login-as.md",
    "docs/operating.md",
    "docs/rules.md",
    "docs/shop-hooks.md",
)
FENCED = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)", re.DOTALL)
"""What a page quotes from code: its names are another list's business."""


def _messages(folder: str, method: str, pattern: str) -> Iterator[tuple[str, str]]:
    for file, line, words, *_rest in extract_from_dir(ROOT / folder, [(pattern, method)], keywords=KEYWORDS):
        for text in words if isinstance(words, tuple) else (words,):
            yield f"{folder}/{file}:{line}", str(text)


@cache
def messages() -> list[tuple[str, str]]:
    """Every message of the code and the templates, with its place."""
    of_code = [pair for folder in CODE for pair in _messages(folder, "python", "**.py")]
    of_pages = [
        pair for ending in ("html", "txt") for pair in _messages("templates", "jinja2", f"**.{ending}")
    ]
    return of_code + of_pages


def test_the_messages_are_found() -> None:
    texts = {text for _place, text in messages()}
    assert len(texts) > 1500
    assert {"Permission denied", "Sign in", "%(count)s records were merged into %(survivor)s."} <= texts


def test_no_message_uses_a_word_of_our_own() -> None:
    assert [f"{place}: {text}: {word}" for place, text in messages() for word in found(text)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_the_documentation_uses_a_word_of_our_own(page: str) -> None:
    lines = FENCED.sub(lambda quoted: "\n" * quoted[0].count("\n"), (ROOT / page).read_text()).splitlines()
    told = [f"{page}:{number}: {word}" for number, line in enumerate(lines, 1) for word in found(line)]
    assert told == []


@pytest.mark.parametrize(
    "text", ["This deed", "Points lapse.", "Whoever did it", "Mend it", "for who has it"]
)
def test_the_list_is_held_to(text: str) -> None:
    assert found(text)
    assert found(text.upper())
    assert not found("The person who is doing this needs permission for whole records; amendments count.")


PRODUCT = ("actions", "admin", "jobs", "models", "portal", "web", "demo")
AROUND = ("bench", "findings", "tests", "tools")


def _used(folders: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """Return each use of a word in a name, docstring or comment of some folders."""
    files = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path in files
        if "migrations" not in path.parts
        for line, text in _of_code(path.read_text(encoding="utf-8"), words)
        for word in found(text, words)
    ]


def _of_code(source: str, words: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield every name, docstring and comment of a module, with its line; none where no word stands in any of it.

    Taking a module apart takes a hundred times as long as searching it, and few use a word even in other texts.
    """
    if not (found(source, words) or found(source.replace("_", " "), words)):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string.replace("_", " ").lower()
        elif token.type == tokenize.COMMENT or token.string.startswith('"""'):
            yield token.start[0], token.string.lower()


@pytest.mark.parametrize(
    "text", ["def old_deed(): ...", '"""One deed."""', "x = 1  # the deed", "DEEDS = 1", 'f("""x\ndeed""")']
)
def test_a_word_in_a_name_a_docstring_or_a_comment_is_found(text: str) -> None:
    assert [word for _line, part in _of_code(text, CONCEPTS) for word in found(part, CONCEPTS)]
    assert not list(_of_code("x = 'of indeedy'", CONCEPTS))


def test_no_name_or_docstring_uses_a_word_of_our_own() -> None:
    assert _used(PRODUCT, EVERYWHERE) == []


def test_no_test_or_tool_is_named_by_a_former_word_of_a_concept() -> None:
    assert _used(AROUND, CONCEPTS) == []

"""What a browser without scripts would make of an answer: links, forms with what they would send, rows, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

from werkzeug.datastructures import MultiDict

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "use"}
ADDRESSES = ("href", "data-content", "data-lookup", "data-url", "hx-get", "src")


@dataclass
class Form:
    """A form as it stands: ``fields`` is what a click on its button would send."""

    action: str
    method: str
    fields: MultiDict[str, str] = field(default_factory=MultiDict)

    def filled(self, **changes: Any) -> dict[str, list[str]]:
        """Return what the form sends once a person has changed some fields; None leaves a field out."""
        sent = MultiDict(self.fields)
        for name, value in changes.items():
            if value is None:
                sent.poplist(name)
            else:
                sent.setlist(name, [str(value)])
        return {name: values for name, values in sent.lists() if values}


class Page(HTMLParser):
    """A parsed answer."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.rows: list[int] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ids: dict[str, str] = {}
        """Element id -> the text inside it."""
        self._open: list[tuple[str, str]] = []
        self._templates = 0
        self._select: tuple[str, bool, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._option: list[str] | None = None
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """Everything a person can read, blanks folded."""
        return " ".join(" ".join(self.texts).split())

    def form(self, action: str = "", method: str = "post", holding: str = "") -> Form:
        """Return the first form whose address contains ``action`` and which has a field ``holding``."""
        found = [
            f
            for f in self.forms
            if f.method == method
            and action in f.action
            and f.action != "/logout/"
            and (not holding or holding in f.fields)
        ]
        assert found, f"no {method} form to {action!r} in the page"
        return found[0]

    def error(self, name: str) -> str:
        """Return the sentence under a field, "" where there is none."""
        return " ".join(self.ids.get(f"{name}-error", "").split())

    @property
    def errors(self) -> dict[str, str]:
        """Return field -> sentence for every field that carries one."""
        return {
            k.removesuffix("-error"): " ".join(v.split()) for k, v in self.ids.items() if k.endswith("-error")
        }

    # -- parsing ------------------------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in one element."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self.links += [given[name] for name in ADDRESSES if given.get(name)]
        if tag == "template":
            self._templates += 1
        if tag not in VOID:
            self._open.append((tag, given.get("id", "")))
        if given.get("id"):
            self.ids.setdefault(given["id"], "")
        if tag == "tr" and given.get("data-id"):
            self.rows.append(int(given["data-id"]))
        if not self._templates:
            self._take(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in an element that closes itself; it has nothing to be closed later."""
        self.handle_starttag(tag, attrs)

    def _take(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag == "input":
            self._input(given)
        elif tag == "select":
            self._select = (given.get("name", ""), "disabled" in given, [])
        elif tag == "option" and self._select is not None:
            self._select[2].append((given.get("value", ""), "selected" in given))
        elif tag == "textarea" and "disabled" not in given:
            self._area = (given.get("name", ""), [])

    def _input(self, given: dict[str, str]) -> None:
        kind, name = given.get("type", "text"), given.get("name")
        if not name or "form" in given or "disabled" in given or kind in ("submit", "button", "image"):
            return
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        self._put(name, given.get("value", "on" if kind == "checkbox" else ""))

    def _put(self, name: str, value: str) -> None:
        if self.forms and any(tag == "form" for tag, _id in self._open):
            self.forms[-1].fields.add(name, value)

    def handle_endtag(self, tag: str) -> None:
        """Close an element; a form's select and textarea are read when they end."""
        if tag == "template":
            self._templates -= 1
        if tag == "select" and self._select is not None:
            name, disabled, options = self._select
            chosen = [value for value, selected in options if selected] or [
                value for value, _selected in options
            ][:1]
            if name and not disabled and chosen:
                self._put(name, chosen[-1])
            self._select = None
        if tag == "textarea" and self._area is not None:
            text = "".join(self._area[1]).replace("\r\n", "\n").removeprefix("\n")
            self._put(self._area[0], text.replace("\n", "\r\n"))
            self._area = None
        while self._open:
            closed, _id = self._open.pop()
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        """Keep the text for whoever asks for an element by its id."""
        if self._area is not None:
            self._area[1].append(data)
        self.texts.append(data)
        for _tag, element in self._open:
            if element:
                self.ids[element] += data


Tags = list[tuple[str, dict[str, str]]]
VALUE = r"""(?:"([^"]*)"|'([^']*)'|([^\s"'=<>]+))"""
TAG = re.compile(rf"""<([a-z][a-z0-9]*)((?:\s+[^\s=>"'/]+(?:={VALUE})?)*)\s*/?>""")
ATTRIBUTE = re.compile(rf"""\s([^\s=>"'/]+)(?:={VALUE})?""")
OPENING = re.compile("<[A-Za-z]")
ROW = re.compile(r'<tr data-id="(\d+)"')
LINK = re.compile(r' href="([^"]*)"')


def rows_of(answer: Any) -> list[int]:
    """Return the ids of the listed rows, without the cost of parsing the page."""
    return [int(found) for found in ROW.findall(answer.get_data(as_text=True))]


def links_of(answer: Any) -> list[str]:
    """Return the addresses of the links, without the cost of parsing the page."""
    return [unescape(found) for found in LINK.findall(answer.get_data(as_text=True))]


def tags_of(html: str) -> Tags:
    """Return every opening tag with its attributes at a fifth of the cost of parsing the page.

    It knows only what our templates write, so it counts: a tag it could not read fails the test.
    """
    found = [(match[1], match[2]) for match in TAG.finditer(html)]
    assert len(found) == len(OPENING.findall(html)), "a tag that is not written as ours are"
    return [
        (tag, {name: unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(rest)})
        for tag, rest in found
    ]


def addresses_in(tags: Tags) -> list[str]:
    """Return every address that a page leads to or fetches, each once."""
    return list(dict.fromkeys(given[n] for _tag, given in tags for n in ADDRESSES if given.get(n)))


def unsafe_in(tags: Tags) -> list[str]:
    """Return attributes no page of ours may have: inline styles and handlers, Flask-Admin's script hooks."""
    return [
        f"<{tag} {name}={value!r}>"
        for tag, given in tags
        for name, value in given.items()
        if name in ("style", "data-role")
        or name.startswith("on")
        or value.lower().strip().startswith("javascript:")
    ]


def inline_scripts_in(tags: Tags) -> list[str]:
    """Return script and style elements that carry their own text."""
    return [tag for tag, given in tags if tag == "style" or (tag == "script" and "src" not in given)]


def page_of(answer: Any) -> Page:
    """Parse an answer."""
    return Page(answer.get_data(as_text=True))

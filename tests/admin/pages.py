"""What a browser without scripts would make of an answer: links, forms with what they would send, rows, errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode
from werkzeug.datastructures import MultiDict

Tags = list[tuple[str, dict[str, str]]]
ADDRESSES = ("href", "data-content", "data-lookup", "data-url", "hx-get", "src")
BUTTONS = frozenset({"submit", "button", "image"})


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


class Page:
    """An answer as a browser's own rules read it; each part is worked out when it is first asked for."""

    def __init__(self, html: str) -> None:
        self.html = html

    @cached_property
    def tags(self) -> Tags:
        """Every opening tag, those of templates too."""
        return tags_of(self.html)

    @cached_property
    def links(self) -> list[str]:
        """Every address that the page leads to or fetches, as often as it stands there."""
        return [given[name] for _tag, given in self.tags for name in ADDRESSES if given.get(name)]

    @cached_property
    def rows(self) -> list[int]:
        """The ids of the listed rows."""
        return [int(found) for found in ROW.findall(self.html)]

    @cached_property
    def forms(self) -> list[Form]:
        """Every form outside templates."""
        return [_form(node) for node in self._tree.css("form")]

    @cached_property
    def ids(self) -> dict[str, str]:
        """Element id -> the text inside it."""
        found: dict[str, str] = {}
        for node in self._tree.css("[id]"):
            found.setdefault(node.attributes["id"] or "", node.text())
        return found

    @cached_property
    def text(self) -> str:
        """Everything a person can read, blanks folded."""
        root = self._tree.root
        return " ".join(root.text(separator=" ").split()) if root is not None else ""

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
        return self.errors.get(name, "")

    @property
    def errors(self) -> dict[str, str]:
        """Return field -> sentence for every field that carries one."""
        return {
            k.removesuffix("-error"): " ".join(v.split()) for k, v in self.ids.items() if k.endswith("-error")
        }

    @cached_property
    def _tree(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.html)


def _form(node: LexborNode) -> Form:
    found = Form(node.attributes.get("action") or "", node.attributes.get("method") or "get")
    for field_node in node.css("input, select, textarea"):
        given = field_node.attributes
        name = given.get("name")
        if name and "disabled" not in given:
            for value in _sent(field_node, given):
                found.fields.add(name, value)
    return found


def _sent(node: LexborNode, given: Mapping[str, str | None]) -> list[str]:
    """Return what a field adds to what its form sends: nothing, or a value."""
    if node.tag == "textarea":
        return [node.text().replace("\n", "\r\n")]
    if node.tag == "select":
        options = node.css("option")
        chosen = [option for option in options if "selected" in option.attributes] or options[:1]
        return [option.attributes.get("value") or "" for option in chosen[-1:]]
    kind = given.get("type", "text")
    unticked = kind in {"checkbox", "radio"} and "checked" not in given
    if "form" in given or kind in BUTTONS or unticked:
        return []
    return [given["value"] or "" if "value" in given else "on" if kind == "checkbox" else ""]


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

"""Read every template as Jinja and as HTML, and hold it to the house rules.

- it parses;
- no ``style=``, no ``on…=`` handler, no ``javascript:`` address, no inline script or style without the nonce:
  the content security policy would refuse each of them;
- nothing from another host;
- no ``|safe`` and no ``{% autoescape %}``: markup is built by macros, which escape;
- no queries: a template shows what the view gave it;
- every text a person reads goes through ``_()`` or ``{% trans %}``.

In templates/mail ``style=`` is the only way to style: mail programs know no style sheets, and the page that shows a
mail in the email log allows it. Everything else holds there too, and no picture or link leads to another host.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

ROOT = Path(__file__).resolve().parent.parent / "templates"
ENVIRONMENT = Environment(  # noqa: S701 - only parses
    extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"]
)
QUERIES = {"all", "execute", "filter_by", "first", "one", "query", "scalar", "scalars"}
READ_ALOUD = {"alt", "aria-description", "aria-label", "placeholder", "title"}
ADDRESSES = {"action", "formaction", "href", "poster", "src", "srcset", "hx-get", "hx-post"}
LOADED = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}
NOT_PROSE = {"code", "kbd", "pre", "script", "style", "svg"}
UNTRANSLATED = {"Clientele", "nbsp"}
WORD = re.compile(r"[^\W\d_]{2,}")
ATTRIBUTE = re.compile(r"""[\w:-]+=("[^"]*"|'[^']*')""")  # printed by a macro that a tag calls
Finding = tuple[int, str]


def main() -> None:
    """Check every template below templates/ (or the files named); exit with 1 when one breaks a rule."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted(ROOT.rglob("*.html"))
    broken = [
        f"{path}:{line}: {text}"
        for path in paths
        for line, text in sorted(findings(path.read_text(), is_mail(path)))
    ]
    print("\n".join(broken) or f"{len(paths)} templates keep the house rules")
    raise SystemExit(1 if broken else 0)


def is_mail(path: Path) -> bool:
    """Whether a template is that of a mail."""
    return path.resolve().parent == ROOT / "mail"


def findings(source: str, styled: bool = False) -> Iterator[Finding]:
    """Yield (line, sentence) for each broken rule of one template; ``styled`` allows style= on tags."""
    try:
        tree = ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        yield error.lineno, f"does not parse: {error.message}"
        return
    yield from jinja_findings(tree)
    page = Page(styled)
    page.feed(html_of(source))
    page.close()
    yield from page.found


def jinja_findings(tree: nodes.Template) -> Iterator[Finding]:
    """Yield what is wrong in the expressions."""
    for used in tree.find_all(nodes.Filter):
        if used.name == "safe":
            yield used.lineno, "|safe switches escaping off; build markup with a macro"
    for scope in tree.find_all(nodes.ScopedEvalContextModifier):
        yield scope.lineno, "autoescape stays on"
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Getattr) and call.node.attr in QUERIES:
            yield call.lineno, f".{call.node.attr}() is a query; the view gives the template its data"


def html_of(source: str) -> str:
    """Return the template with every Jinja tag blanked out, on the same lines; texts within trans go too."""
    kept: list[str] = []
    in_trans = False
    for _, kind, value in ENVIRONMENT.lex(source):
        if kind == "name" and value in {"trans", "endtrans"}:
            in_trans = value == "trans"
        is_html = kind == "data" and not in_trans
        kept.append(value if is_html else blank(kind, value))
    return "".join(kept)


def blank(kind: str, value: str) -> str:
    """What stands for a piece of Jinja: its line breaks, and an underscore where it prints something."""
    printed = "_" if kind == "variable_begin" else ""
    return printed + "\n" * value.count("\n")


class Page(HTMLParser):
    """Collects what is wrong in the markup."""

    def __init__(self, styled: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._styled = styled
        self.found: list[Finding] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check one tag and its attributes."""
        values = {name: value or "" for name, value in attrs}
        for name, value in values.items():
            self._attribute(tag, name, value)
        if tag == "style" and "nonce" not in values:
            self._note("an inline style sheet needs the nonce")
        is_code = tag == "script" and "src" not in values and not values.get("type", "").endswith("json")
        if is_code and "nonce" not in values:
            self._note("an inline script needs the nonce")
        if tag in NOT_PROSE:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave a tag whose text is not prose."""
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        """Check a text between tags."""
        if not self._open:
            self._prose(data)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name == "style" and not self._styled:
            self._note("style= is refused by the content security policy; use a class")
        elif name.startswith(("on", "hx-on")):
            self._note(f"{name}= is refused by the content security policy; listen in a script")
        elif name in ADDRESSES and value.strip().lower().startswith("javascript:"):
            self._note(f"{name}= runs a script")
        elif name in ADDRESSES and tag in LOADED and re.match(r"\s*(https?:)?//", value):
            self._note(f"<{tag}> loads from another host: {value}")
        elif name in READ_ALOUD:
            self._prose(value)

    def _prose(self, text: str) -> None:
        words = [word for word in WORD.findall(ATTRIBUTE.sub("", text)) if word not in UNTRANSLATED]
        if words:
            self._note(f"not marked for translation: {' '.join(text.split())[:60]!r}")

    def _note(self, text: str) -> None:
        self.found.append((self.getpos()[0], text))


if __name__ == "__main__":
    main()

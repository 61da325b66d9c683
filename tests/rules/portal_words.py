"""Which messages a customer can read in the portal: what its code and pages say, and what comes up from beneath them.

Whatever stands in a module that the portal imports counts, unless it is named in :data:`FOR_STAFF`: a new message has a
translation, or is said to be none of a customer's business.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir

from actions.statements.wording import PRINTED

ROOT = Path(__file__).resolve().parents[2]
MARKS = {"_", "_l", "N_"}
Words = str | tuple[str, str]
"""A message as a catalogue knows it: one, or the singular and the plural."""

ROOTS = "portal", "actions.portal", "actions.customers.customers"
"""The pages, what is done there alone, and what is asked whenever a customer's record is saved."""
OPENED = re.compile(r"^open_in_portal\(|portal=Portal\.", re.MULTILINE)
"""How an action, or the saving of a model, says that it is done in the portal."""
ALL = frozenset({"*"})
FOR_STAFF: dict[str, frozenset[str]] = {
    # raised only by what customers have no form for
    "actions.core.actors": ALL,
    "actions.core.base": frozenset({"NOT_SENT", "mail", "attach"}),
    "actions.core.customer_guard": ALL,
    "actions.core.eligibility": frozenset({"WAITS", "NOT_WAITING", "GUEST", "NO_ACCOUNT", "REGISTERED"}),
    "actions.core.texts": ALL,
    "actions.customers.addresses": frozenset({"keep_one_primary"}),
    "actions.customers.customer_owned": ALL,
    "actions.customers.customer_reference": ALL,
    "actions.customers.phones": frozenset({"_winner"}),
    "actions.customers.saved_cards": frozenset({"NO_TOKEN"}),
    "actions.execution.code_attempts": ALL,
    "actions.execution.constraints": frozenset({"APPEND_ONLY"}),
    "actions.execution.records": ALL,
    "actions.execution.references": ALL,
    "actions.execution.repeats": ALL,
    "actions.execution.runner": ALL,
    "actions.execution.scope_guard": frozenset({"OUT_OF_SCOPE"}),
    "actions.execution.session_store": ALL,
    "actions.ledgers.ledger": frozenset({"IS_REVERSAL", "ALREADY_REVERSED", "OTHER_CURRENCY", "order_number", "positive", "signed"}),
    "actions.ledgers.loyalty": ALL,
    "actions.ledgers.order_totals": ALL,
    "actions.portal.links": ALL,
    "actions.portal.invitations": ALL,
    "actions.portal.login_as": frozenset({"SHORT", "NO_TICKET", "NO_SHOP", "NO_SESSION", "MASKED", "log_in_as", "end_from_office", "allow_changes"}),
    "actions.portal.resets": ALL,
    "actions.portal.registering": frozenset({"SAME"}),
    "actions.staff.security_events": ALL,
    "actions.statements.pdf": ALL,
    "actions.statements.sending": ALL,
    "models.account": ALL,
    "models.attribute": ALL,
    "models.credit": ALL,
    "models.customer": frozenset({"OWN_AGENT", "NO_AGENT"}),
    "models.evidence": ALL,
    "models.importing": ALL,
    "models.lookups": ALL,
    "models.member": ALL,
    "models.note": ALL,
    "models.order": ALL,
    "models.outage": ALL,
    "models.setting_checks": ALL,
    "models.places": frozenset({"currency", "locale", "time_zone"}),
    "models.run": ALL,
    "models.saved_card": ALL,
    "models.shop": ALL,
    "models.validate": frozenset({"not_negative", "code", "percentage", "texts", "_instant", "_file", "_json"}),
    # the back office's, or for those who run the server: the portal has sentences of its own for these answers
    "web.arguments": frozenset({"NO_PLACE", "not_offered"}),
    "web.errors": frozenset({"TITLES"}),
    "web.fitness": ALL,
    "web.startup_checks": ALL,
}  # fmt: skip
"""Module -> what in it, at its top level, says only what staff read."""
ONLY = {"actions.customers.customers": frozenset({"_identity_problem", "_birth_problem"})}
"""Module -> what in it alone customers can read: the rest is for staff."""
NAMED = ("models.choices.Gender", "models.phone.PhoneKind")
"""Choices whose names customers read. All others are named to staff."""
CALLED = {"Before"}
"""What a field is called of which only the name is known (``called`` of web/messages.py)."""
HEADINGS = {"heading", "sign_in_words", "MailTemplate", "Setting", "Outcome", "Action"}
"""Calls whose messages name something to staff, or tell them what was done."""


def shown() -> set[Words]:
    """Return every message that a customer can read."""
    return {*_of_pages(), *_of_code(), *PRINTED, *CALLED}


def _of_pages() -> Iterator[Words]:
    methods = [("portal/**.html", "jinja2"), ("statement_sheet.html", "jinja2")]
    for _file, _line, words, *_rest in extract_from_dir(ROOT / "templates", methods):
        yield words if isinstance(words, str) else (str(words[0]), str(words[1]))


def _of_code() -> Iterator[Words]:
    for name in sorted(reached()):
        for where, words in messages(name):
            if where in ONLY.get(name, {where}) and not {where, "*"} & FOR_STAFF.get(name, frozenset()):
                yield words


@cache
def reached() -> frozenset[str]:
    """Return the modules of the portal and of what is done there, and all that they import."""
    waiting = [name for name in _files() if name.startswith(ROOTS)]
    waiting += [name for name, path in _files().items() if OPENED.search(path.read_text())]
    found: set[str] = set()
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += _imported(name)
    return frozenset(found)


@cache
def _files() -> dict[str, Path]:
    places = [path for top in ("portal", "web", "actions", "models") for path in (ROOT / top).rglob("*.py")]
    named = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in places
        if "migrations" not in path.parts
    }
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_files()[name].read_text())


def _imported(name: str) -> list[str]:
    found = []
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return [each for each in found if each in _files()]


@cache
def messages(name: str) -> Sequence[tuple[str, Words]]:
    """Return what a module says, each with the name of the definition or the method that it stands in."""
    return [pair for node in _tree(name).body for pair in _of_definition(name, node)]


def _of_definition(module: str, node: ast.stmt) -> Iterator[tuple[str, Words]]:
    named = module.startswith("portal") or f"{module}.{_name(node)}" in NAMED
    if isinstance(node, ast.ClassDef) and not named:
        if not _names_something(node):
            for inner in node.body:
                yield from _of_definition(module, inner)
        return
    for found in _said(node, named=named):
        yield _name(node), found


def _name(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", node)
    return str(getattr(target, "id", getattr(target, "name", "")))


def _said(node: ast.AST, *, named: bool) -> Iterator[Words]:
    """Yield the messages in some code, but for what only names things to staff unless ``named``."""
    if not named and _names_something(node):
        return
    if isinstance(node, ast.Call) and (found := _message(node)) is not None:
        yield found
    for child in ast.iter_child_nodes(node):
        yield from _said(child, named=named)


def _message(call: ast.Call) -> Words | None:
    called = getattr(call.func, "id", "")
    texts = [
        each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    if called == "ngettext":
        return (texts[0], texts[1])
    return texts[0] if called in MARKS and texts else None


def _names_something(node: ast.AST) -> bool:
    """Return whether a piece of code gives a label, a heading, a help text or the name of a choice."""
    if isinstance(node, ast.keyword):
        return node.arg in ("label", "doc")
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") in HEADINGS
    if isinstance(node, ast.ClassDef) and any(
        getattr(base, "id", "") in ("Choice", "Trouble") for base in node.bases
    ):
        return True
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("__label__", "__plural__")

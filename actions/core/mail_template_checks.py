"""Checks of a declared mail as the program starts: its files, its values, and the names that they must not take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache
from typing import NamedTuple, Protocol

from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError, meta, nodes

BUILT_IN = frozenset({"shop", "name", "lang", "subject", "link", "secret"})
"""What every text may use, whatever its mail declares."""
ARGUMENTS = frozenset({"self", "code", "customer", "member", "to", "key", "values"})
"""What ``Context.mail`` and ``Context.mail_staff`` take themselves, as well as the values; a test compares."""
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Declared(Protocol):
    """A mail as it is declared in actions/core/mail_templates.py."""

    @property
    def code(self) -> str:
        """What it is called."""

    @property
    def subject(self) -> str:
        """Its subject line."""

    @property
    def values(self) -> Set[str]:
        """The names of the values that its texts ask for."""


class _Part(NamedTuple):
    """What a text asks for, what it defines, and what it is put into."""

    asked: frozenset[str]
    macros: frozenset[str]
    extends: tuple[str, ...]


class WrongTemplate(TypeError):
    """A mail's declaration and its files do not fit each other."""

    def __init__(self, declared: Declared, why: str) -> None:
        super().__init__(f"mail {declared.code}: {why}")


def check(declared: Declared, html: Environment, plain: Environment) -> None:
    """Hold a mail's declaration to its two files. :raises WrongTemplate: they do not fit each other."""
    for value in sorted(declared.values):
        if not value.isidentifier() or value in BUILT_IN | ARGUMENTS or value in html.globals:
            raise WrongTemplate(declared, f"a value cannot be called {value}: the name has a meaning already")
    in_subject = _of_subject(declared)
    used = set(in_subject)
    for environment, kind in ((html, "html"), (plain, "txt")):
        name = f"{declared.code}.{kind}"
        asked = _asked(declared, environment, name)
        unknown = asked - declared.values - BUILT_IN
        if unknown:
            raise WrongTemplate(declared, f"{name} uses {_and(unknown)}, which the mail does not declare")
        used |= asked
    if unused := declared.values - used:
        raise WrongTemplate(
            declared, f"it declares {_and(unused)}, which neither its subject nor a text uses"
        )


def _of_subject(declared: Declared) -> Set[str]:
    """Return the values that the subject uses."""
    found = set(_PLACEHOLDER.findall(declared.subject))
    if unknown := found - declared.values - {"shop"}:
        raise WrongTemplate(declared, f"its subject uses {_and(unknown)}, which the mail does not declare")
    if "%" in _PLACEHOLDER.sub("", declared.subject).replace("%%", ""):
        raise WrongTemplate(declared, "its subject has a % that stands for nothing: write %(value)s, or %%")
    return found


def _asked(declared: Declared, environment: Environment, name: str) -> set[str]:
    """Return what a text and those it extends ask for that neither Jinja, we nor their own macros provide."""
    asked: set[str] = set()
    macros: set[str] = set()
    for part in _parts(declared, environment, name):
        asked |= part.asked
        macros |= part.macros
    if taken := declared.values & macros:
        raise WrongTemplate(
            declared, f"a value cannot be called {_and(taken)}: {name} has a macro of that name"
        )
    return asked - set(environment.globals) - macros


def _parts(declared: Declared, environment: Environment, name: str) -> Iterator[_Part]:
    try:
        assert environment.loader is not None
        part = _part(environment, environment.loader.get_source(environment, name)[0])
    except TemplateNotFound as missing:
        raise WrongTemplate(declared, f"there is no file templates/mail/{missing.name}") from None
    except TemplateSyntaxError as wrong:
        raise WrongTemplate(declared, f"{name}, line {wrong.lineno}: {wrong.message}") from None
    yield part
    for other in part.extends:
        yield from _parts(declared, environment, other)


@cache
def _part(environment: Environment, source: str) -> _Part:
    """Read a text once, which many mails extend. :raises TemplateSyntaxError: it is none."""
    parsed = environment.parse(source)
    macros = frozenset(macro.name for macro in parsed.find_all(nodes.Macro))
    extends = tuple(filter(None, meta.find_referenced_templates(parsed)))
    return _Part(frozenset(meta.find_undeclared_variables(parsed)), macros, extends)


def _and(names: Set[str]) -> str:
    return ", ".join(sorted(names))

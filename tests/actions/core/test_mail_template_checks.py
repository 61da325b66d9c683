"""A mail whose declaration and files do not fit each other is refused as the program starts, not when it is written."""

import inspect

import pytest
from jinja2 import DictLoader, Environment

from actions.core import mail_template_checks
from actions.core.base import Context
from actions.core.mail_template_checks import ARGUMENTS, BUILT_IN, WrongTemplate
from actions.core.mail_templates import MailTemplate

BASE = "{% macro paragraph() %}{{ caller() }}{% endmacro %}{{ subject }}{% block body %}{% endblock %}"
FITS = '{% extends "_base" %}{% block body %}{% call paragraph() %}{{ number }}{% endcall %}{% endblock %}'
GIZMO = MailTemplate(
    "gizmo", "Gizmo", "Your gizmo %(number)s from %(shop)s, 100%% ours", frozenset({"number"})
)


def check(template: MailTemplate = GIZMO, **files: str) -> None:
    """Check a mail whose files are these, and fit where none is given."""
    given = {"_base": BASE, "gizmo.html": FITS, "gizmo.txt": FITS}
    given |= {name.replace("_", "."): text for name, text in files.items()}
    loader = DictLoader({name: text for name, text in given.items() if text})
    html, plain = (Environment(loader=loader, autoescape=kind) for kind in (True, False))
    mail_template_checks.check(template, html, plain)


def template(subject: str = GIZMO.subject, *values: str) -> MailTemplate:
    return MailTemplate("gizmo", "Gizmo", subject, frozenset({"number", *values}))


def test_a_mail_that_fits_its_files_passes() -> None:
    check()


@pytest.mark.parametrize("kind", ["html", "txt"])
def test_what_is_wrong_with_a_file_is_named(kind: str) -> None:
    for text, why in {
        "": f"mail gizmo: there is no file templates/mail/gizmo.{kind}",
        '{% extends "_bass" %}': "there is no file templates/mail/_bass",
        "{{ number }}\n{% if %}": rf"gizmo\.{kind}, line 2: ",
        "{{ number }} {{ nubmer }}": rf"gizmo\.{kind} uses nubmer, which the mail does not declare",
    }.items():
        with pytest.raises(WrongTemplate, match=why):
            check(**{f"gizmo_{kind}": text})


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("Your gizmo %(nubmer)s", "its subject uses nubmer, which the mail does not declare"),
        ("Dear %(name)s", "its subject uses name, which"),
        ("100% gizmo", "its subject has a % that stands for nothing"),
    ],
)
def test_what_is_wrong_with_a_subject_is_named(subject: str, why: str) -> None:
    with pytest.raises(WrongTemplate, match=why):
        check(template(subject))


def test_a_value_that_nothing_uses_is_named() -> None:
    with pytest.raises(WrongTemplate, match="it declares price, which neither its subject nor a text uses"):
        check(template(GIZMO.subject, "price"))


@pytest.mark.parametrize("taken", [*sorted(BUILT_IN | ARGUMENTS), "range", "paragraph", "not a name"])
def test_a_value_takes_no_name_that_has_a_meaning_already(taken: str) -> None:
    text = FITS + "{{ self }}"
    with pytest.raises(WrongTemplate, match=f"a value cannot be called {taken}"):
        check(template(GIZMO.subject, taken), gizmo_html=text, gizmo_txt=text)


def test_the_arguments_of_the_mailer_are_those_it_has() -> None:
    taken = {
        name for mailer in (Context.mail, Context.mail_staff) for name in inspect.signature(mailer).parameters
    }
    assert taken == ARGUMENTS | {"secret"}

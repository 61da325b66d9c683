"""Which files a new thing is made of, what stands in them, and which files it is entered in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.new.names import CannotWrite, Names

HERE = Path(__file__).parent
TEMPLATES = Environment(  # noqa: S701  it writes code
    loader=FileSystemLoader(HERE / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ROLES, PLACE = "admin/request/permissions.py", re.compile(r"(?m)^_RECORDS: .* = \{")
TRANSLATIONS, ACCESS, VERSIONS = "translations", "docs/access.md", "models/migrations/versions"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What its author asks for."""

    names: Names
    customer: bool = False
    screen: bool = False
    action: bool = False
    job: bool = False
    mail: bool = False

    def complete(self) -> Wanted:
        """Return it with what the rest needs: a mail and a job need the action, and an action its button.

        :raises CannotWrite: a mail without anybody to write to.
        """
        if self.mail and not self.customer:
            raise CannotWrite("A mail is written to the customer whom a row belongs to: add --customer.")
        action = self.action or self.job or self.mail
        return replace(self, action=action, screen=self.screen or action)

    @property
    def room(self) -> str:
        """Return the room of actions/ that its module belongs to."""
        return "customers" if self.customer else "setup"


def new_files(wanted: Wanted) -> dict[str, str]:
    """Return path -> text of each file that is written, but for the migration."""
    plural, noun, room = wanted.names.plural, wanted.names.noun, wanted.room
    chosen = {
        f"models/{noun}.py": ("model.py", True),
        f"admin/screens/{plural}.py": ("screen.py", wanted.screen),
        f"actions/{room}/{plural}.py": ("action.py", wanted.action),
        f"tests/actions/{room}/test_{plural}.py": ("test_action.py", wanted.action),
        f"jobs/{plural}.py": ("job.py", wanted.job),
        f"tests/jobs/test_{plural}.py": ("test_job.py", wanted.job),
        f"templates/mail/{noun}_closed.html": ("mail.html", wanted.mail),
        f"templates/mail/{noun}_closed.txt": ("mail.txt", wanted.mail),
    }
    return {path: _written(name, wanted) for path, (name, is_wanted) in chosen.items() if is_wanted}


def _written(template: str, wanted: Wanted) -> str:
    names, info = wanted.names, 'personal("text", merge="move"{})' if wanted.customer else "{}()"
    given = {
        "noun": names.noun, "plural": names.plural, "model": names.model, "word": names.word, "words": names.words,
        "label": names.word.capitalize(), "labels": names.words.capitalize(), "one": names.one,
        "one_capital": names.one.capitalize(), "one_name": names.one.replace(" ", "_"), "room": wanted.room,
        "personal_text": info.format("" if wanted.customer else "fact"),
        "personal_result": info.format(', written_by="action"' if wanted.customer else "state"),
        "customer": wanted.customer, "action": wanted.action, "mail": wanted.mail,
    }  # fmt: skip
    return TEMPLATES.get_template(f"{template}.jinja").render(given)


def changed_files(root: Path, wanted: Wanted) -> dict[str, str]:
    """Return path -> new text of each file that the thing is entered in, but for docs/access.md.

    :raises CannotWrite: one does not look as it is expected to, or there are no words in a shipped language.
    """
    found = {ROLES: _roles((root / ROLES).read_text(), wanted)} if wanted.screen else {}
    for language in languages(root) if wanted.mail else ():
        path = f"{TRANSLATIONS}/{language}/LC_MESSAGES/letters.po"
        if (text := _catalogue(root / path, language)) is not None:
            found[path] = text
    return found


def _roles(text: str, wanted: Wanted) -> str:
    if len(PLACE.findall(text)) != 1:
        raise CannotWrite(f"{ROLES} has no line that begins with _RECORDS, where the list is given to roles.")
    verbs = '("close",)' if wanted.action else "()"
    return PLACE.sub(lambda place: f'{place[0]}"{wanted.names.noun}": {verbs}, ', text)


def languages(root: Path) -> list[str]:
    """Return the languages that mails are written in, besides English."""
    return sorted(path.name for path in (root / TRANSLATIONS).iterdir() if path.is_dir())


def _catalogue(path: Path, language: str) -> str | None:
    """Return a catalogue with the mail's sentences that it has not; None where it has all."""
    own = HERE / "words" / f"{language}.po"
    if not own.is_file():
        raise CannotWrite(
            f"Mails are also written in the language {language}, and tools/new/words has no {language}.po with "
            "the sentences of a new one."
        )
    text = path.read_text()
    with path.open("rb") as file:
        known = {str(message.id) for message in read_po(file)}
    entries = own.read_text().strip().split("\n\n")
    missing = [entry for entry in entries if _id_of(entry) not in known]
    return "\n\n".join([text.rstrip("\n"), *missing]) + "\n" if missing else None


def _id_of(entry: str) -> str:
    found = re.search(r'^msgid "(.*)"$', entry, re.M)
    assert found is not None
    return found[1]

"""What the template of a form is given: plain data, ready to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin.viewmodels.pages import Fact, Text
from admin.viewmodels.preview_pages import PreviewPage


@dataclass(slots=True)
class FormPage:
    """A form, on a page of its own or in the drawer."""

    title: Text
    form: Any
    action: str
    cancel: str
    submit: Text
    drawer: bool = False
    danger: bool = False
    intro: Text = ""
    sections: Sequence[tuple[Text, Sequence[str]]] = ()
    """(heading, field names); a single section without heading when the screen declares none."""
    version: int | None = None
    key: str = ""
    facts: Sequence[Fact] = ()
    read_only: bool = False
    """Nothing can be saved by this person: no submit button."""
    hidden: Sequence[tuple[str, str]] = ()
    """What the form carries along unseen, such as the rows it is about."""
    preview_url: str = ""
    """Where the form asks what it would do."""
    preview: PreviewPage | None = None
    """What it would do, where the page says so from the start."""
    confirm: str = ""
    """What has to be typed before a dangerous action."""
    confirm_error: Text = ""
    reauth: bool = False
    """The person has to type their password, as they signed in a while ago."""
    reauth_code: bool = False
    """And the code of their authenticator app."""
    reauth_error: Text = ""
    alike_url: str = ""
    """Where the form asks, as its fields are left, which customers it may be about."""
    alike: Sequence[Text] = ()
    """What it is told of them from the start."""
    swaps: bool = False
    """Its preview may offer to change places with another record."""
    swapped: bool = False
    """It has just done so: what stands in it was typed by a person, and is not saved."""
    about: tuple[str, int] | None = None
    """(resource, id) of the one record the form is about."""

"""What a browser or program says it is, in plain words: "Firefox on Windows"."""

from __future__ import annotations

import re

from flask_babel import gettext as _

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""What to look for, in this order, as most claim to be others besides -> what people call it."""
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_NAME = re.compile(r"[\w.+-]{1,40}")


def words(agent: str) -> str:
    """Return what an agent is; of one that is no known browser, the name it begins with."""
    browser = next((name for mark, name in BROWSERS if f"{mark}/" in agent or f"{mark}A/" in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    named = _NAME.match(agent)
    return browser or (named[0] if named is not None else _("unknown"))

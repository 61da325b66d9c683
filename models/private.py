"""Files and folders that nobody but the account we run under may read, from the first moment on."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from pathlib import Path

log = logging.getLogger(__name__)
_named: set[Path] = set()
OWNERS = 0o077
"""What others than the owner may do with a file, none of which they may do with ours."""


def make_folder(folder: Path) -> None:
    """Make a folder of ours, or tighten the one that is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tighten(folder)


def make_file(path: Path) -> None:
    """Make an empty file where there is none, or tighten the one that is there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        tighten(path)


def write_once(path: Path, text: str) -> None:
    """Write a file unless it is there: of several at once one writes it, and nobody ever sees a part of it."""
    if path.exists():
        tighten(path)
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    number = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _keep_first(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _keep_first(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    number = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def tighten(path: Path) -> None:
    """Take from others what they may do with a file or folder of ours; say so where it is not ours to change."""
    try:
        found = path.stat()
        if not found.st_mode & OWNERS:
            return
        if found.st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(found.st_mode) & ~OWNERS)
            return
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s could not be closed to others: %s", path, error.strerror)
        return
    log.warning(
        "%s is open to others and belongs to somebody else: close it to others (chmod go= %s)", path, path
    )


def look_at_folder(folder: Path) -> None:
    """Say once where a folder that we did not make is open to others; it is left as it is."""
    try:
        open_to_others = folder.stat().st_mode & OWNERS
    except OSError:
        return
    if open_to_others and folder not in _named:
        _named.add(folder)
        log.warning("The folder %s is open to others: close it to others (chmod go= %s)", folder, folder)

"""A walk through everything that can be clicked: each address once, however many rows lead there."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from tests.admin.answers import leaks
from tests.admin.pages import Tags, addresses_in, inline_scripts_in, tags_of, unsafe_in
from tests.scale import sampled

HTMX = {"HX-Request": "true"}
TELLING = ("tab", "view", "name", "column")
"""Arguments whose value, and not only whose presence, makes another page."""
CHOOSES = re.compile("__|^(sort|after|before|page_size)$")
"""Arguments of a list by which it is filtered, sorted and leafed through."""


@dataclass
class Visit:
    """One address and what was wrong with its answer."""

    url: str
    came_from: str
    status: int
    headers: dict[str, str]
    problems: list[str] = field(default_factory=list)


def parts_of(url: str) -> list[tuple[str, str]]:
    """Return what is new about an address: its path alone, or its path with each argument it carries.

    A file is asked for once: what its list's arguments do to it is what they do to the list. Of the arguments that
    choose and sort what a page shows, a quarter is tried outside a soak.
    """
    split = urlsplit(url)
    if "/export/" in split.path:
        return [(split.path, "")]
    arguments = parse_qsl(split.query) or [("", "")]
    found = [(split.path, f"{k}={v}" if k in TELLING else k) for k, v in arguments]
    return [(path, part) for path, part in found if not CHOOSES.search(part) or sampled(f"{path} {part}", 4)]


def problems_of(answer: Any, tags: Tags, secrets: list[str]) -> list[str]:
    """Return what no answer may hold."""
    found = [f"shows {leaks(answer)!r}"] if leaks(answer) else []
    text = answer.get_data().decode("utf-8", "replace")
    found += [f"holds the secret {secret[:12]}…" for secret in secrets if secret in text]
    found += unsafe_in(tags)
    found += [f"inline {tag}" for tag in inline_scripts_in(tags)]
    ids = Counter(given["id"] for _tag, given in tags if given.get("id"))
    return found + [f"id {name} twice" for name, times in ids.items() if times > 1]


def crawl(
    client: Any, start: str = "/admin/", secrets: list[str] | None = None, times: int = 1
) -> list[Visit]:
    """Follow every link of this host from ``start`` on, as a page and, one path in eight, as the fragment that htmx fetches.

    :param times: how often the same address is visited with other values of its arguments.
    """
    seen: Counter[tuple[str, str]] = Counter()
    waiting = deque([(start, "")])
    visits = []
    while waiting:
        url, came_from = waiting.popleft()
        parts = parts_of(url)
        if all(seen[part] >= times for part in parts):
            continue
        fragment = not any(seen[part] for part in parts) and "/admin/" in url and "/export/" not in url
        fragment = fragment and sampled(urlsplit(url).path, 8)
        seen.update(parts)
        for headers in ({}, HTMX) if fragment else ({},):
            answer = client.get(url, headers=headers)
            tags = tags_of(answer.get_data(as_text=True)) if answer.mimetype == "text/html" else []
            visit = Visit(
                url,
                came_from,
                answer.status_code,
                dict(answer.headers),
                problems_of(answer, tags, secrets or []),
            )
            visits.append(visit)
            links = [*addresses_in(tags), *([answer.location] if answer.location else [])]
            waiting += [(found, url) for found in (urljoin(url, link) for link in links) if _ours(found)]
    return visits


def _ours(url: str) -> bool:
    parts = urlsplit(url)
    return (
        parts.scheme in ("", "http")
        and parts.netloc in ("", "localhost")
        and not url.startswith(("mailto:", "data:", "tel:"))
    )

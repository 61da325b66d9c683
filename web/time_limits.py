"""How long the database may work on what a request reads, and what it writes waits for others (rule 8.9): no page
holds the server up for everybody else."""

from __future__ import annotations

from flask import Flask, request

from models.dialect import limit_reads, limit_waits

READS = frozenset({"GET", "HEAD", "OPTIONS"})
CHANGES = 10
"""How many times as long what a form or a program changes may take to read what it is about."""
FIGURES_SECONDS = 20
FILE_SECONDS = 600
"""What an export may take, and taking in a file; jobs, runs and commands are not limited at all."""


def register(app: Flask, seconds: int, wait: float) -> None:
    """Limit what each request reads, from its beginning on, and how long what it writes waits for each lock."""

    def begin() -> None:
        limit_reads(seconds if request.method in READS else seconds * CHANGES)
        limit_waits(wait)

    def end(_error: BaseException | None) -> None:
        limit_reads(None)
        limit_waits(None)

    app.before_request(begin)
    app.teardown_request(end)


def allow_figures() -> None:
    """Let this request read for as long as figures take that are fetched after their page."""
    limit_reads(FIGURES_SECONDS)


def allow_file() -> None:
    """Let this request read for as long as a file of a whole list takes, to be made or to be taken in."""
    limit_reads(FILE_SECONDS)

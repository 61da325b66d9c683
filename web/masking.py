"""Who reads in a request, as the masks of sensitive values ask (rule 19.1): each application answers for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import Flask, current_app, has_request_context

from models import masks
from models.masks import MaskContext

READER = "clientele.reader"
"""Where an application keeps what tells what the person asking may see."""


def install(app: Flask, ask: Callable[[], MaskContext]) -> None:
    """Have an application's requests answered by ``ask``; one without an answer is shown nothing that is sensitive."""
    app.extensions[READER] = ask


def _reader() -> MaskContext:
    """Return what the person asking sees; everything where no request is served, as in a worker."""
    if not has_request_context():
        return masks.EVERYTHING
    ask = current_app.extensions.get(READER)
    return cast(MaskContext, ask()) if ask is not None else MaskContext(masks.groups())


masks.provide(_reader)

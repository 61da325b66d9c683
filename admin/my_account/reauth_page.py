"""The page that asks for the password before what is dangerous, and leads on from there (rule 16.4)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for

from admin.auth.reauth import BACK, NEXT, take, wants_code
from admin.layout.frame import frame
from admin.request.context import person, sign_in_url
from admin.screen_spec.registry import registry

blueprint = Blueprint("reauth", __name__, url_prefix="/admin/proof")


@blueprint.route("/", methods=["GET", "POST"])
def page() -> Any:
    """Ask for the password, then go on."""
    if person() is None:
        return redirect(sign_in_url())
    wrong = take() if request.method == "POST" else ""
    if request.method == "POST" and not wrong:
        return _go_on()
    back = session.get(BACK)
    shown = render_template(
        "admin/reauth.html",
        wrong=wrong,
        with_code=wants_code(),
        back=back[1] if back else url_for("admin.index"),
    )
    return shown, 422 if wrong else 200


def _go_on() -> Any:
    """Go on to what was asked for; a file is fetched from a page that says so and leads back to its list."""
    target, back = session.pop(NEXT, None) or url_for("admin.index"), session.pop(BACK, None)
    if back is None:
        return redirect(target)
    resource, address = back
    name = registry().screens[resource].heading
    return render_template(
        "admin/reauthenticated.html", frame=frame(resource), file=target, back=address, back_to=name
    )

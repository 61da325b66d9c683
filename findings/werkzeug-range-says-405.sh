#!/usr/bin/env bash
#
# Werkzeug 3.1.9: a number beyond the range of an int converter is "method not allowed", and the method it is told to use
#   finds nothing.
#
# One would guess: /record/<int(max=9):id>/ does not match /record/10/ at all, so that every method gets 404, however the
#   rules for GET and POST are declared.
# What it does: with one rule that takes GET and POST, both get 404. With a rule for each, as the shorthands of
#   Flask (get, post) declare them, POST gets 405 with "Allow: GET, HEAD", and GET gets 404: what a converter refuses for
#   one rule is still counted as an address that other methods have.
# Why a back office cares: an id that no row can have must be answered like one that no row has, by every method. A program
#   that is told 405 stops trying the method, and one that follows Allow is led to an address that is not there. Bound the
#   number where the row is looked up, or have the converter turn it into one that no row has.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet werkzeug==3.1.9 || exit 2

cat > "$tmp/look.py" <<'PYTHON'
import sys

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

ADDRESS = "/record/<int(max=9):id>/"


def answer(methods, method):
    """The status of a request for a record that is out of range, and what it is told to use instead."""
    rules = [Rule(ADDRESS, endpoint=str(n), methods=some) for n, some in enumerate(methods)]
    try:
        Map(rules).bind("shop.example").match("/record/10/", method=method)
    except MethodNotAllowed as error:
        return 405, sorted(error.valid_methods)
    except HTTPException as error:
        return error.code, None
    return 200, None


together, apart = [["GET", "POST"]], [["GET"], ["POST"]]
seen = {
    "one rule, POST": answer(together, "POST"),
    "a rule each, POST": answer(apart, "POST"),
    "a rule each, GET": answer(apart, "GET"),
}
for what, (status, told) in seen.items():
    print(f"{what}: {status}" + (f", Allow: {', '.join(told)}" if told else ""))
expected = [(404, None), (405, ["GET", "HEAD"]), (404, None)]
sys.exit(0 if list(seen.values()) == expected else "No longer as described.")
PYTHON

"$tmp/venv/bin/python" -I "$tmp/look.py"

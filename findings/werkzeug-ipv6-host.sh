#!/usr/bin/env bash
#
# Werkzeug 3.1.9 (by Flask 3.1.3): an IPv6 address in the list of trusted hosts matches nothing.
#
# One would guess: with TRUSTED_HOSTS = ["localhost", "[::1]"], a server that listens on ::1 answers a browser that
#   calls it http://[::1]/, as the Host header itself may be an IPv6 address.
# What it does: 400, whichever way the address is written in the list. Of the Host header the port is taken off
#   properly, but each entry of the list is cut at its first colon, which leaves "[" of an address in brackets and
#   nothing, or its first group, of one without.
# Why a back office cares: an internal dashboard, or the health check of a load balancer, that is reached by an IPv6
#   address is refused for everybody as soon as the list is set. Give it a name and list that.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet "Werkzeug==3.1.9" "Flask==3.1.3" || exit 2

"$tmp/venv/bin/python" -I - <<'PYTHON'
import sys

from flask import Flask


def answers(host, entry):
    """The status for a request to the host, with that one entry in the list."""
    app = Flask("shop")
    app.config["TRUSTED_HOSTS"] = [entry]
    app.add_url_rule("/", view_func=lambda: "Hello")
    return app.test_client().get("/", headers={"Host": host}).status_code


SAID = {
    ("localhost:8000", "localhost"): 200,
    ("127.0.0.1:8000", "127.0.0.1"): 200,
    ("[::1]", "[::1]"): 400,
    ("[::1]:8000", "[::1]"): 400,
    ("[::1]:8000", "[::1]:8000"): 400,
    ("[::1]:8000", "::1"): 400,
    ("[2001:db8::7]:8000", "[2001:db8::7]"): 400,
    ("[2001:db8::7]:8000", "2001:db8::7"): 400,
}
seen = {case: answers(*case) for case in SAID}
for (host, entry), status in seen.items():
    print(f"Host {host}, trusted {entry}: {status}")
sys.exit(0 if seen == SAID else "No longer as described.")
PYTHON

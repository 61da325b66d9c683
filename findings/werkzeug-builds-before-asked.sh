#!/usr/bin/env bash
#
# Werkzeug 3.1.9: adding an address to a map compiles the two functions that would build it, though nobody asks for one.
#
# One would guess: adding a rule notes it down, as the map itself puts off sorting and matching until the first request;
#   what builds addresses is made when the first is built, or read from the rule's parts each time.
# What it does: each rule is turned into Python code twice (with and without unknown values) and compiled on the spot, two
#   code objects a rule, before any request. That is most of the time that adding a rule takes.
# Why a back office cares: generated screens bring some thirty addresses each. A thousand of them, of which a process builds
#   a few dozen, took a third of making the application, which every worker and every command does.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet werkzeug==3.1.9 || exit 2

cat > "$tmp/look.py" <<'PYTHON'
import builtins
import sys
import time

from werkzeug.routing import Map, Rule, rules

MANY = 1_000
compiled = []
rules.compile = lambda *given, **named: compiled.append(1) or builtins.compile(*given, **named)


class Bare(Rule):
    """The same rule without anything to build its address by."""

    def _compile_builder(self, append_unknown=True):
        return lambda rule, **values: ("", "")


def seconds(kind):
    """Processor seconds for a map of many rules, the best of three."""
    took = []
    for _attempt in range(3):
        began = time.process_time()
        Map([kind(f"/admin/screen{n}/<int:record>/act/<verb>/", endpoint=f"screen{n}.act") for n in range(MANY)])
        took.append(time.process_time() - began)
    return min(took)


Map([Rule(f"/screen{n}/<int:record>/", endpoint=str(n)) for n in range(MANY)])
each = len(compiled) / MANY
share = 1 - seconds(Bare) / seconds(Rule)
print(f"code objects compiled for each rule added: {each:.0f}; of the time to add rules: {share:.0%}")
sys.exit(0 if each == 2 and share > 0.5 else "No longer as described.")
PYTHON

"$tmp/venv/bin/python" -I "$tmp/look.py"

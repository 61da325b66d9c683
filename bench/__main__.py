"""``make bench``: each measurement beside its peer or limit, as a ratio within one run; exit 1 where one is missed.

``make bench ARGS="--customers 20000 --only sqlite"`` measures a smaller shop,
``make bench ARGS="--duplicates"`` nothing but how good the flagging of duplicates is.
"""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext

from bench import data, duplicates, expiring, flagging, imports, ledger_tab, lists, pages, portal, signing_in
from bench.lists import Timing

LIMIT = 1.0
SIGN_IN_LIMIT = 1.05
"""How much longer a wrong password may take for a known user name than for an unknown one, or the other way round."""
ACCOUNT_LIMIT, ACCOUNT_STATEMENTS = 0.6, 10
"""How many times as long as the record page the portal's account page may work, and the statements it may need."""
LEDGER_LIMIT = 2.0
"""How many times as long a customer's Loyalty tab and record may take with very many entries as with a hundred."""
PAGE_LIMIT = 3.0
"""How many times as long as the customer list a search, a sorted list, Today or Customers owing may take."""
EXPIRY_LIMIT = 2.5
EXPIRY_MEMORY = 300
"""Megabytes that it may take, and that checking the books afterwards may."""
SLOWED_LIMIT = 2.0
"""How many times as long pages may take while points expire, by their 95th percentiles."""
IMPORT_LIMIT = 6.0
UNDO_LIMIT = 2.0
"""How many times as long as the import its undo may take."""
IMPORT_MEMORY = 100
"""Megabytes that applying a file of any size, and undoing it, may take."""
DUPLICATES_LIMIT = 0.02
"""By how much the F1 of what is likely the same may be below that of the best peer."""
DUPLICATES_AMONG = 20_000
"""Customers of the demo shops in which duplicates are looked for."""


FLAGGING_LIMIT = 4.0
FLAGGING_MEMORY = 500
"""How many times as long flagging everybody may take as a bare self-join on two keys, and the megabytes."""
NEXT_PAIR_LIMIT = 60.0
"""Milliseconds until the next pair of duplicates is there, by its 95th percentile."""


def main() -> int:
    """Run the benchmarks and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, default=100_000)
    arguments.add_argument("--only", choices=("sqlite", "postgresql"))
    arguments.add_argument(
        "--imported", type=int, default=50_000, help="customers to import; 0 leaves that out"
    )
    arguments.add_argument(
        "--entries", type=int, default=100_000, help="entries of one customer; 0 leaves that out"
    )
    arguments.add_argument("--expiring", type=int, default=600_000, help="lots to expire; 0 leaves that out")
    arguments.add_argument("--among", type=int, default=10_000_000, help="entries whose points stay")
    arguments.add_argument("--duplicates", action="store_true", help="how good their flagging is, only")
    arguments.add_argument("--flagging", action="store_true", help="flagging duplicates, only")
    chosen = arguments.parse_args()
    if chosen.duplicates:
        return _duplicates()
    missed = 0
    for kind in ("sqlite", "postgresql"):
        if chosen.only in (None, kind):
            with _shop(kind, chosen.customers) as url:
                missed += _flag(kind, url, chosen.customers)
                if chosen.flagging:
                    continue
                missed += _list(kind, url, chosen.customers)
                missed += _pages(kind, url, chosen.customers)
                missed += _sign_in(kind, url)
                missed += _portal(kind, url)
                missed += _ledger(kind, url, chosen.entries) if chosen.entries else 0
                missed += _import(kind, url, chosen.imported) if chosen.imported else 0
                missed += _expire(kind, url, chosen.expiring, chosen.among) if chosen.expiring else 0
    return 1 if missed else 0


def _duplicates() -> int:
    missed = 0
    for name, found in duplicates.compare(DUPLICATES_AMONG):
        print(f"Duplicates, {name}:")
        for way in found:
            figures = f"precision {way.precision:.3f}   recall {way.recall:.3f}   F1 {way.f1:.3f}"
            print(f"  {way.way:<34} {figures}   {way.seconds:6.1f} s")
        behind = duplicates.behind(found)
        kept = "kept" if behind <= DUPLICATES_LIMIT else "MISSED"
        print(f"  behind the best peer {behind:+.3f}, limit {DUPLICATES_LIMIT:.2f}: {kept}", flush=True)
        missed += int(behind > DUPLICATES_LIMIT)
    return 1 if missed else 0


def _shop(kind: str, customers: int) -> AbstractContextManager[str]:
    return nullcontext(data.sqlite(customers)) if kind == "sqlite" else data.postgresql(customers)


def _flag(kind: str, url: str, customers: int) -> int:
    with data.scratch(url) as scratch:
        taken = flagging.compare(scratch)
    print(f"Flagging duplicates among {customers:,} customers, {kind}:")
    print(
        f"  Clientele          {taken.again:7.1f} s, {taken.first:.1f} s the first time; {taken.pairs[0]:,} pairs"
    )
    print(f"  bare self-join     {taken.by_hand:7.1f} s; {taken.pairs[1]:,} pairs")
    kept = taken.ratio <= FLAGGING_LIMIT and taken.grown <= FLAGGING_MEMORY
    print(
        f"  ratio {taken.ratio:.2f}, limit {FLAGGING_LIMIT:.2f}; at most {taken.grown:.0f} MB beyond what the process "
        f"held, limit {FLAGGING_MEMORY}: {'kept' if kept else 'MISSED'}"
    )
    (page,) = _told((taken.page,))
    quick = page.p95 <= NEXT_PAIR_LIMIT
    print(f"  limit {NEXT_PAIR_LIMIT:.0f} ms: {'kept' if quick else 'MISSED'}", flush=True)
    return int(not kept) + int(not quick)


def _list(kind: str, url: str, customers: int) -> int:
    print(f"Customer list, first page, {customers:,} customers, {kind}:")
    ours, stock = _told(lists.compare(url))
    ratio = ours.median / stock.median
    print(f"  ratio {ratio:.2f}, limit {LIMIT:.2f}: {'kept' if ratio <= LIMIT else 'MISSED'}", flush=True)
    return int(ratio > LIMIT)


def _pages(kind: str, url: str, customers: int) -> int:
    print(f"Searches, sorted lists and sums, {customers:,} customers, {kind}:")
    peer, *others = _told(pages.compare(url))
    ratio = max(page.median for page in others) / peer.median
    kept = "kept" if ratio <= PAGE_LIMIT else "MISSED"
    print(f"  ratio of the slowest to the list {ratio:.2f}, limit {PAGE_LIMIT:.2f}: {kept}", flush=True)
    return int(ratio > PAGE_LIMIT)


def _sign_in(kind: str, url: str) -> int:
    print(f"Sign-in with a wrong password, {kind}:")
    with data.scratch(url) as scratch:
        return _alike(signing_in.compare(scratch))


def _alike(timings: tuple[Timing, ...]) -> int:
    """Tell how long somebody who is here takes beside somebody who is not; return whether they differ too much."""
    known, unknown = _told(timings)
    ratio = max(known.median, unknown.median) / min(known.median, unknown.median)
    kept = "kept" if ratio <= SIGN_IN_LIMIT else "MISSED"
    print(f"  ratio of the longer to the shorter {ratio:.3f}, limit {SIGN_IN_LIMIT:.2f}: {kept}", flush=True)
    return int(ratio > SIGN_IN_LIMIT)


def _portal(kind: str, url: str) -> int:
    missed = 0
    with data.scratch(url) as scratch:
        taken = portal.compare_pages(scratch)
        print(f"Portal: account page beside the record page, {kind}:")
        print(f"  account {taken.account:.1f} ms of processor, record {taken.record:.1f} ms")
        within = taken.ratio <= ACCOUNT_LIMIT and taken.statements <= ACCOUNT_STATEMENTS
        limits = f"limit {ACCOUNT_LIMIT:.2f}; {taken.statements} statements, at most {ACCOUNT_STATEMENTS}"
        print(f"  ratio {taken.ratio:.2f}, {limits}: {'kept' if within else 'MISSED'}", flush=True)
        missed += int(not within)
        asked = {"sign-in": portal.SIGN_IN, "forgotten password": portal.ASK, "registering": portal.REGISTER}
        for name, path in asked.items():
            print(f"Portal: {name} for a known and an unknown address, {kind}:")
            missed += _alike(portal.compare_answers(scratch, path))
    return missed


def _ledger(kind: str, url: str, entries: int) -> int:
    missed = 0
    with data.scratch(url) as scratch:
        for name, timings in ledger_tab.compare(scratch, entries).items():
            print(f"Loyalty: {name} of a customer, {kind}:")
            few, many = _told(timings)
            ratio = many.median / few.median
            kept = "kept" if ratio <= LEDGER_LIMIT else "MISSED"
            print(f"  ratio {ratio:.2f}, limit {LEDGER_LIMIT:.2f}: {kept}", flush=True)
            missed += int(ratio > LEDGER_LIMIT)
    return missed


def _told(timings: tuple[Timing, ...]) -> tuple[Timing, ...]:
    for timing in timings:
        print(f"  {timing.name:<18} median {timing.median:7.1f} ms   p95 {timing.p95:7.1f} ms")
    return timings


def _import(kind: str, url: str, rows: int) -> int:
    """Last of all, as on PostgreSQL it leaves its rows behind."""
    with data.scratch(url) as scratch:
        taken = imports.compare(scratch, rows)
    print(f"Importing {rows:,} new customers, {kind}:")
    print(
        f"  Clientele          {taken.ours:7.1f} s, at most {taken.grown:.0f} MB beyond what the process held"
    )
    print(f"  bare bulk insert   {taken.bare:7.1f} s")
    print(
        f"  before it: upload {taken.upload:.1f} s, mapping {taken.mapping:.1f} s, dry run {taken.trial:.1f} s"
    )
    kept = taken.ratio <= IMPORT_LIMIT and taken.grown <= IMPORT_MEMORY
    print(f"  ratio {taken.ratio:.2f}, limit {IMPORT_LIMIT:.2f}: {'kept' if kept else 'MISSED'}")
    undone = taken.undo_ratio <= UNDO_LIMIT
    print(f"  undo of all of it  {taken.undo:7.1f} s")
    print(
        f"  ratio to the import {taken.undo_ratio:.2f}, limit {UNDO_LIMIT:.2f}: {'kept' if undone else 'MISSED'}",
        flush=True,
    )
    return int(not kept) + int(not undone)


def _expire(kind: str, url: str, due: int, among: int) -> int:
    with data.scratch(url) as scratch:
        expiring.fill(scratch, due, among)
        taken = expiring.compare(scratch, due)
    print(f"Expiring {due:,} lots among {among:,} entries, {kind}:")
    print(
        f"  Clientele          {taken.ours:7.1f} s, at most {taken.grown:.0f} MB beyond what the process held"
    )
    print(f"  one transaction    {taken.by_hand:7.1f} s")
    kept = taken.ratio <= EXPIRY_LIMIT and taken.grown <= EXPIRY_MEMORY
    print(f"  ratio {taken.ratio:.2f}, limit {EXPIRY_LIMIT:.2f}: {'kept' if kept else 'MISSED'}", flush=True)
    slowed = sum(map(_slowed, taken.pages))
    checked = taken.checked_grown <= EXPIRY_MEMORY
    print(f"  flask verify       {taken.checked:7.1f} s, at most {taken.checked_grown:.0f} MB")
    print(f"  at most {EXPIRY_MEMORY} MB: {'kept' if checked else 'MISSED'}", flush=True)
    return int(not kept) + slowed + int(not checked)


def _slowed(page: expiring.Seen) -> int:
    """Tell how long a page took in the meantime; return whether that is too long."""
    few = page.looks < expiring.FEWEST
    kept = few or page.ratio < SLOWED_LIMIT
    said = f"over before {expiring.FEWEST} looks" if few else "kept" if kept else "MISSED"
    idle, meanwhile = page.idle.p95, page.meanwhile.p95
    print(f"  {page.idle.name:<14} p95 {idle:7.1f} ms, meanwhile {meanwhile:7.1f} ms, {page.looks} looks")
    print(f"  ratio {page.ratio:.2f}, below {SLOWED_LIMIT:.2f}: {said}", flush=True)
    return int(not kept)


if __name__ == "__main__":
    raise SystemExit(main())

"""``make bench``: each measurement beside its peer or limit, as a ratio within one run; exit 1 where one is missed.

``make bench ARGS="--customers 20000 --only sqlite"`` measures a smaller shop.
"""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext

from bench import data, lists

LIMIT = 1.0


def main() -> int:
    """Run the benchmarks and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, default=100_000)
    arguments.add_argument("--only", choices=("sqlite", "postgresql"))
    chosen = arguments.parse_args()
    missed = 0
    for kind in ("sqlite", "postgresql"):
        if chosen.only in (None, kind):
            with _shop(kind, chosen.customers) as url:
                missed += _list(kind, url, chosen.customers)
    return 1 if missed else 0


def _shop(kind: str, customers: int) -> AbstractContextManager[str]:
    return nullcontext(data.sqlite(customers)) if kind == "sqlite" else data.postgresql(customers)


def _list(kind: str, url: str, customers: int) -> int:
    ours, stock = lists.compare(url)
    ratio = ours.median / stock.median
    print(f"Customer list, first page, {customers:,} customers, {kind}:")
    for timing in (ours, stock):
        print(f"  {timing.name:<18} median {timing.median:7.1f} ms   p95 {timing.p95:7.1f} ms")
    print(f"  ratio {ratio:.2f}, limit {LIMIT:.2f}: {'kept' if ratio <= LIMIT else 'MISSED'}", flush=True)
    return int(ratio > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())

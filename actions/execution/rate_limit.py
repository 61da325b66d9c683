"""How often anybody may try to sign in (rule 16.2): counted in the database, so alike for all hosts and channels.

An attempt is counted before the password is looked at and taken back when it was right, so that a thousand at once
are no more than a few. The windows slide: what counts is the last quarter of an hour, or minute, whenever it is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update

from models.access import AttemptBucket
from models.dialect import WRITE, advisory_lock

TABLE = cast(Table, AttemptBucket.__table__)
KEPT = dt.timedelta(days=1)
LONGEST_NAME = 1_000
"""Characters of a typed name that are looked at; no account's name is as long."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` attempts in any ``window`` for ``name``, which is kept as a hash only."""

    name: str
    most: int
    window: dt.timedelta

    @property
    def bucket(self) -> str:
        """What the database knows it by."""
        return hashlib.sha256(self.name.encode()).hexdigest()


def as_typed(name: str) -> str:
    """Return a name as it is counted by: whatever its capitals, blanks and forms of letters, one and the same.

    Nothing is looked up, so that a counter tells nobody whether there is such an account, or that a user name and an
    email address are of the same one.
    """
    whole = unicodedata.normalize("NFKC", name[:LONGEST_NAME])
    return " ".join(unicodedata.normalize("NFKC", whole.casefold()).split())


def network(address: str) -> str:
    """Return what an address is counted by: itself, of IPv6 the network of 64 bits, which is one customer's.

    An IPv4 address that is written as an IPv6 one is the IPv4 address. A port that a proxy adds is left out.
    """
    try:
        found = ipaddress.ip_address(_bare(address))
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def _bare(address: str) -> str:
    bare = address.strip()
    if bare.startswith("["):
        return bare[1:].partition("]")[0].partition("%")[0]
    return bare.partition(":")[0] if bare.count(":") == 1 else bare.partition("%")[0]


def of_name(name: str) -> Limit:
    """Return the limit on signing in by one name, as it is typed: five in a quarter of an hour."""
    return Limit(f"named {as_typed(name)}", 5, dt.timedelta(minutes=15))


def of_person(user_id: int) -> Limit:
    """Return the limit on people who have shown in part who they are: five wrong codes or proofs in a quarter hour."""
    return Limit(f"account {user_id}", 5, dt.timedelta(minutes=15))


def of_browser(token_hash: str) -> Limit:
    """Return the limit on a browser in which its person has signed in before, in place of the name's."""
    return Limit(f"browser {token_hash}", 5, dt.timedelta(minutes=15))


def of_address(address: str) -> Limit:
    """Return the limit on one address, or one IPv6 network: twenty a minute."""
    return Limit(f"address {network(address)}", 20, dt.timedelta(minutes=1))


def of_reset(name: str) -> Limit:
    """Return the limit on links that are sent to one account because somebody asked: three an hour."""
    return Limit(f"reset {name}", 3, dt.timedelta(hours=1))


def of_reset_from(address: str) -> Limit:
    """Return the limit on asking for links from one address, or one IPv6 network: twenty an hour."""
    return Limit(f"reset from {network(address)}", 20, dt.timedelta(hours=1))


def of_portal_name(email: str) -> Limit:
    """Return the limit on signing in to the portal by one address, as it is typed: five in a quarter of an hour."""
    return Limit(f"portal named {as_typed(email)}", 5, dt.timedelta(minutes=15))


def of_customer(customer_id: int) -> Limit:
    """Return the limit on customers who are signed in: five wrong passwords in a quarter of an hour."""
    return Limit(f"portal account {customer_id}", 5, dt.timedelta(minutes=15))


def of_portal_mail(email: str) -> Limit:
    """Return the limit on mails that public pages send to one address, as it is typed: three an hour."""
    return Limit(f"portal mail {as_typed(email)}", 3, dt.timedelta(hours=1))


def of_portal_mail_from(address: str) -> Limit:
    """Return the limit on asking for mails on public pages from one address, or one IPv6 network: twenty an hour."""
    return Limit(f"portal mail from {network(address)}", 20, dt.timedelta(hours=1))


def of_reveals(user_id: int) -> Limit:
    """Return the limit on the masked values one person looks at: sixty an hour."""
    return Limit(f"reveals {user_id}", 60, dt.timedelta(hours=1))


def of_codes(user_id: int) -> Limit:
    """Return the limit on the wrong codes that one person, or a key of theirs, tries: twenty in a quarter hour."""
    return Limit(f"codes {user_id}", 20, dt.timedelta(minutes=15))


def consume(engine: Engine, limits: Sequence[Limit], now: dt.datetime) -> int:
    """Count an attempt against every limit; return 0, or in how many seconds to try again where one is exhausted.

    What is refused is counted nowhere.
    """
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        found = [
            (limit, _times(connection, limit, now)) for limit in sorted(limits, key=lambda it: it.bucket)
        ]
        waits = [
            times[-limit.most] + limit.window.total_seconds() - now.timestamp()
            for limit, times in found
            if len(times) >= limit.most
        ]
        if waits:
            return max(1, int(max(waits)) + 1)
        for limit, times in found:
            _store(connection, limit, [*times, now.timestamp()], now)
    return 0


def refund(engine: Engine, limits: Sequence[Limit], now: dt.datetime) -> None:
    """Take an attempt back that was no failure, and forget what nobody asks for any more."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        for limit in sorted(limits, key=lambda it: it.bucket):
            times = _times(connection, limit, now)
            if now.timestamp() in times:
                times.remove(now.timestamp())
                if times:
                    _store(connection, limit, times, now)
                else:
                    clear(connection, limit)
        connection.execute(delete(TABLE).where(TABLE.c.last_at < now - KEPT))


def clear(connection: Connection, limit: Limit) -> None:
    """Forget all attempts: there are none left, or an admin unlocks the account."""
    connection.execute(delete(TABLE).where(TABLE.c.bucket == limit.bucket))


def is_exhausted(connection: Connection, limit: Limit, now: dt.datetime) -> bool:
    """Return whether the next attempt would be refused."""
    kept = connection.scalar(select(TABLE.c.times).where(TABLE.c.bucket == limit.bucket)) or []
    return len(_recent(kept, limit, now)) >= limit.most


def _times(connection: Connection, limit: Limit, now: dt.datetime) -> list[float]:
    """Return when the recent attempts were; until the transaction ends nobody else counts any."""
    advisory_lock(connection, limit.bucket)
    return _recent(
        connection.scalar(select(TABLE.c.times).where(TABLE.c.bucket == limit.bucket)) or [], limit, now
    )


def _recent(times: list[float], limit: Limit, now: dt.datetime) -> list[float]:
    return sorted(at for at in times if at > (now - limit.window).timestamp())


def _store(connection: Connection, limit: Limit, times: list[float], now: dt.datetime) -> None:
    values = {"times": times, "last_at": now}
    if connection.execute(update(TABLE).where(TABLE.c.bucket == limit.bucket).values(values)).rowcount == 0:
        connection.execute(insert(TABLE).values(bucket=limit.bucket, **values))

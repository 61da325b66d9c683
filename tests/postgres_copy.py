"""What a PostgreSQL database held when it was cloned, to bring it back to that where it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

CATALOGUES = ("pg_attribute", "pg_class", "pg_constraint", "pg_proc", "pg_statistic", "pg_trigger")
"""Where it would show that a table was made, changed or analysed."""
USED_SO_OFTEN = 40
"""Rows deleted leave room behind that a new clone does not have."""
PATIENCE_MS = 300
IN_THE_WAY = """SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle')
    OR EXISTS (SELECT FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
    WHERE datname = current_database())"""
"""Somebody at work, or a setting that a test gave to the database."""
CHANGED_SINCE = "EXISTS (SELECT FROM {name} WHERE xmin::text::bigint >= since)"

FUNCTION = """CREATE OR REPLACE FUNCTION pg_temp.changed(since bigint) RETURNS text[] LANGUAGE plpgsql
    AS $$ {body} $$"""


@dataclass
class Contents:
    """The rows of each table, as COPY writes them, and where each sequence stood."""

    rows: dict[str, bytes] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, tuple[int, bool]] = field(default_factory=dict)


class PostgresCopy:
    """A connection to a clone nobody has written to yet, which can undo what others write to it.

    A clone takes a file for each table, and every connection to a new database reads the definitions of all tables: six
    times as much as putting right the few tables that a test wrote to.
    """

    def __init__(self, address: str, contents: Contents | None = None) -> None:
        self._connection = psycopg.connect(address, autocommit=True)
        self.contents = contents or self._read()
        self._times = 0
        self._execute("SET session_replication_role = replica")  # no trigger keeps ledgers as they are
        self._execute(f"SET lock_timeout = {PATIENCE_MS}")
        self._execute(FUNCTION.format(body="BEGIN RETURN NULL; END"))  # that it is there is no change
        self._execute(self._looking())
        self._since = self._one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def rewind(self) -> bool:
        """Put back what was there; return whether that was possible: the tables are the same, and nobody is at work."""
        self._times += 1
        try:
            return self._times <= USED_SO_OFTEN and not self._one(IN_THE_WAY) and self._rewound()
        except (
            psycopg.Error
        ):  # a table has gone, a row is locked, this very connection was ended: a test did that
            return False

    def _rewound(self) -> bool:
        with self._connection.transaction():
            changed = self._one("SELECT pg_temp.changed(%s)", self._since)
            if changed is not None:
                self._put_back(changed)
        return changed is not None

    def _put_back(self, tables: list[str]) -> None:
        for table in tables:
            self._execute(f"DELETE FROM {table}")
            if self.contents.counts[table]:
                with self._connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as rows:
                    rows.write(self.contents.rows[table])

    def _read(self) -> Contents:
        found = Contents()
        tables = "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = %s"
        for (table,) in self._connection.execute(tables, ["r"]).fetchall():
            found.counts[table] = self._one(f"SELECT count(*) FROM {table}")
            with self._connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT BINARY)") as rows:
                found.rows[table] = b"".join(bytes(part) for part in rows)
        for (name,) in self._connection.execute(tables, ["S"]).fetchall():
            stood = self._connection.execute(f"SELECT last_value, is_called FROM {name}").fetchone()
            assert stood is not None
            found.sequences[name] = stood[0], stood[1]
        return found

    def _looking(self) -> str:
        """Return a function that sets sequences back and tells the tables written to; nothing where one was changed."""
        counts = self.contents.counts
        lines = [
            f"IF {_changed(name, self._one(f'SELECT count(*) FROM {name}'))} THEN RETURN NULL; END IF;"
            for name in CATALOGUES
        ]
        lines += [
            f"IF {_changed(name, counts[name])} THEN found := array_append(found, {_quoted(name)}); END IF;"
            for name in counts
        ]
        lines += [
            f"PERFORM setval({_quoted(name)}, {at}, {called}) FROM {name} WHERE (last_value, is_called) <> ({at}, {called});"
            for name, (at, called) in self.contents.sequences.items()
        ]
        body = "\n".join(["DECLARE found text[] := '{}'; BEGIN", *lines, "RETURN found; END"])
        return FUNCTION.format(body=body)

    def _one(self, statement: str, *given: object) -> object:
        row = self._connection.execute(statement, given or None).fetchone()
        assert row is not None
        return row[0]

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement)


def _changed(table: str, rows: object) -> str:
    if not rows:
        return f"EXISTS (SELECT FROM {table})"
    return f"(SELECT count(*) FROM {table}) <> {rows} OR {CHANGED_SINCE.format(name=table)}"


def _quoted(name: str) -> str:
    return f"'{name}'"

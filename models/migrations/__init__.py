"""The migration history. :mod:`models.schema` applies it; ``python -m models.migrations`` writes it.

``python -m models.migrations new "customer gets a nickname"`` compares the models with the history and writes the next
migration. One that stands on main never changes again: whatever it forgot is another migration. Those of a release are held to
their checksums, and a shop of each release is upgraded on both databases (tests/models/test_upgrades.py).

Each states at its head whether it is ``additive``: whether programs of the release before may go on, and even start, on what
it leaves (rule 8.12). It is, if all it does is to add tables, indexes that are not unique, or columns that are nullable or
have a server default, to tables other than the journal and the ledgers: a worker of the release before would seal those
without the new column. Nothing there before may mean anything else afterwards. Tables that no release
has yet are nobody's before, and may change. tests/models/test_schema.py compares the
schema before and after each one that says so.
"""

"""What the product does with each column: masking, merging, erasing and exporting.

Every column states a :class:`Policy` in ``info`` when it is declared; a column without one fails the suite.
The policy is data, not behaviour: the merge, the erasure, the data request and the masks all read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, MetaData

Mask = Literal["none", "name", "email", "phone", "address", "date", "number", "text"]
"""How a value looks to a role that may not read it; ``none`` is shown to everyone."""

Merge = Literal[
    "survivor", "fill", "stricter", "sum", "move", "combine", "keep", "refuse", "recompute", "drop"
]
"""What a merge does with the losing record's value.

``survivor`` the survivor's value stays; ``fill`` the other's is taken where the survivor has none;
``stricter`` the more protective of the two; ``sum`` added up; ``move`` a reference re-pointed;
``combine`` re-pointed, or dropped where the survivor has an equal row (the model's ``__same__``); ``keep`` the
reference stays with the tombstone, as history does; ``refuse`` the merge does not go ahead; ``recompute`` derived
again from other rows; ``drop`` the row goes, as it is worked out of others and found again.
"""

Writer = Literal["form", "action", "product"]
"""Who may set a value: a form or request, only an action, or only the product itself."""

Erase = Literal["keep", "clear", "anonymise", "delete"]
"""What an erasure does: ``clear`` empties, ``anonymise`` puts an empty phrase, ``delete`` takes the row."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How one column is treated. ``written_by`` says who may set it: a form, or only the product itself."""

    personal: bool
    mask: Mask
    merge: Merge
    erase: Erase
    export: bool
    written_by: Writer
    secret: bool = False
    journalled: bool = True
    sensitive: str = ""
    """The permission group without which it is masked (rule 19): ``email`` for ``see_email``; "" is shown to all."""


Info = dict[Any, Any]


def _info(policy: Policy) -> Info:
    return {"policy": policy}


def personal(
    mask: Mask,
    *,
    merge: Merge = "fill",
    erase: Erase = "clear",
    written_by: Writer = "form",
    sensitive: str = "",
    journalled: bool = True,
) -> Info:
    """Classify what tells something about a person: masked, cleared by an erasure, part of a data request.

    :param sensitive: names the permission group without which people see a mask: ``email`` makes ``see_email``.
    :param journalled: whether the journal keeps what it was before and after each change.
    """
    _check_mask(mask, sensitive)
    policy = Policy(
        True,
        mask,
        merge,
        erase,
        export=True,
        written_by=written_by,
        sensitive=sensitive,
        journalled=journalled,
    )
    return _info(policy)


def _check_mask(mask: Mask, sensitive: str) -> None:
    """:raises ValueError: it is sensitive and has no mask to be shown in its place."""
    if sensitive and mask == "none":
        raise ValueError(f"what only some may see ({sensitive}) needs a mask for the others")


def fact(*, merge: Merge = "survivor", erase: Erase = "keep") -> Info:
    """Classify a business fact that staff type and that identifies nobody (class, terms, a switch)."""
    return _info(Policy(False, "none", merge, erase, export=True, written_by="form"))


def state(*, merge: Merge = "survivor", erase: Erase = "keep") -> Info:
    """Classify a fact that only an action sets (status, approval, merged_into); no form writes it."""
    return _info(Policy(False, "none", merge, erase, export=True, written_by="action"))


def reference(merge: Merge = "move", erase: Erase = "keep", *, written_by: Writer = "form") -> Info:
    """Classify a reference to a customer, with what a merge does to it (rule 3.3)."""
    return _info(Policy(False, "none", merge, erase, export=True, written_by=written_by))


def search_key(
    mask: Mask, *, of: str = "", by: Callable[[str | None], str] | None = None, sensitive: str = ""
) -> Info:
    """Classify a normalised copy of a personal value: cleared with it, not exported, recomputed on save.

    :param of: the column that filters compare by it. :param by: the function of models/normalise.py that makes it.
    :param sensitive: that of the value; anyone who may not see it finds it by the whole of it only.
    """
    _check_mask(mask, sensitive)
    policy = Policy(
        True, mask, "recompute", "clear", export=False, written_by="product", journalled=False,
        sensitive=sensitive,
    )  # fmt: skip
    return {**_info(policy), "key_of": of, "key_by": by}


derived: Info = _info(
    Policy(False, "none", "recompute", "keep", export=True, written_by="product", journalled=False)
)
"""A cache of other rows (points, balances), kept in the same transaction, proved by ``flask verify``."""

ledger: Info = _info(Policy(False, "none", "survivor", "keep", export=True, written_by="action"))
"""A figure, date or kind on an append-only row: kept for ever."""

system: Info = _info(Policy(False, "none", "survivor", "keep", export=True, written_by="product"))
"""Bookkeeping of the product itself: ids, versions, timestamps."""

visit: Info = _info(
    Policy(False, "none", "survivor", "keep", export=True, written_by="product", journalled=False)
)
"""When a customer was last there: no fact that anybody decides, and no reason to refuse a form opened before."""

secret: Info = _info(
    Policy(
        False, "text", "survivor", "clear", export=False, written_by="product", secret=True, journalled=False
    )
)
"""A hash or token: never readable, never journalled."""

staff: Info = _info(Policy(False, "none", "survivor", "keep", export=False, written_by="product"))
"""About a member of staff or the shop, not a customer."""

staff_fact: Info = _info(Policy(False, "none", "survivor", "keep", export=False, written_by="form"))
"""What staff type about a member of staff, a role or a group."""

account: Info = _info(
    Policy(False, "none", "survivor", "keep", export=False, written_by="product", journalled=False)
)
"""Part of a staff account or of its use, which no action writes: Flask-AppBuilder's tables, when a key was used."""


def policy(column: Column[Any]) -> Policy:
    """Return the column's policy.

    :raises LookupError: the column was declared without one.
    """
    found = column.info.get("policy")
    if not isinstance(found, Policy):
        raise LookupError(
            f"{column.table.name}.{column.name} does not say what masking, merge and erase do with it"
        )
    return found


def references(metadata: MetaData, target: str = "customer") -> Iterator[Column[Any]]:
    """Yield every column that refers to ``target``, each with its own rule for a merge (rule 3.3)."""
    for table in metadata.sorted_tables:
        yield from (c for c in table.columns if any(k.column.table.name == target for k in c.foreign_keys))


def unclassified(metadata: MetaData) -> Iterator[str]:
    """Yield "table.column" for every column that carries no policy."""
    for table in metadata.tables.values():
        yield from (
            f"{table.name}.{c.name}" for c in table.columns if not isinstance(c.info.get("policy"), Policy)
        )

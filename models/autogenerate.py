"""How models are compared with a database and written down as a migration."""

from __future__ import annotations

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import CheckConstraint, Enum, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import conv
from sqlalchemy.types import TypeDecorator, TypeEngine

from models.base import metadata


def options(dialect: str) -> dict[str, Any]:
    """Return what ``context.configure`` and a comparison need for ``dialect``."""
    return {
        "target_metadata": metadata,
        "compare_type": True,
        "compare_server_default": compare_default,
        "render_as_batch": dialect == "sqlite",
        "render_item": render_item,
    }


def compare_default(
    context: Any, inspected: Any, declared: Any, there: str | None, *rendered: str | None
) -> bool | None:
    """Say that two empty texts are equal, which Alembic misses on SQLite; None leaves the rest to Alembic."""
    return False if there in {"''", "('')"} and rendered[-1] in {"", "''"} else None


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write types of our own as the plain types they store, so that an old migration never imports a model."""
    if kind == "type":
        return _type(item, context)
    if kind == "check" and isinstance(item, CheckConstraint) and getattr(item, "_type_bound", False):
        return _choices(item)
    return False


def _type(item: TypeEngine[Any], context: AutogenContext) -> str | Literal[False]:
    if isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    if isinstance(item, JSONB):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return f"postgresql.JSONB(none_as_null={item.none_as_null})"
    if isinstance(item, TypeDecorator):
        plain = item.impl_instance
        return f"sa.{plain!r}" if type(plain) is not Integer else "sa.Integer()"
    return False


def _choices(item: CheckConstraint) -> str:
    """Write the CHECK that a choice column brings along, with its values spelled out."""
    return f"sa.CheckConstraint({condition(item)!r}, name=op.f({check_name(item)!r}))"


def check_name(item: CheckConstraint) -> str:
    """Return the name a CHECK has in the database; that of a choice column is made complete only when it is created."""
    name = str(item.name)
    if isinstance(item.name, conv):
        return name
    return str(metadata.naming_convention["ck"]) % {"table_name": item.table.name, "constraint_name": name}


def condition(item: CheckConstraint) -> str:
    """Return what a CHECK demands, as SQLite keeps it."""
    return str(item.sqltext.compile(compile_kwargs={"literal_binds": True, "include_table": False}))

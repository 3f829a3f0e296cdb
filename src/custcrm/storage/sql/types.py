"""How each kind of column is kept: as SQLAlchemy types for expressions, and as codec forms for whole rows.

PostgreSQL has a type for everything but mappings. SQLite's STRICT tables have whole numbers and texts: an instant
is microseconds since 1970 UTC, a date is ISO text, so that both sort as they should. Mappings are JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from custcrm.records.codec import Form, Step
from custcrm.records.declaration import Kind

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970 UTC."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(microseconds: int) -> datetime:
    """Return the instant, in UTC, of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def _to_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


SQLITE: Final = Form(
    writes={"instant": microseconds, "date": date.isoformat, "json": _to_json, "text": str},
    reads={"instant": instant, "date": date.fromisoformat, "json": json.loads, "boolean": bool},
)
POSTGRESQL: Final = Form(writes={"json": _to_json, "text": str}, reads={"json": json.loads})

FORMS: Final[Mapping[str, Form]] = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


ENGINE_TYPES: Final[Mapping[str, Mapping[Kind, TypeEngine[Any]]]] = {
    "sqlite": {
        "text": sa.Text(),
        "integer": sa.Integer(),
        "boolean": sa.Integer(),
        "date": sa.Text(),
        "instant": sa.Integer(),
        "json": sa.Text(),
    },
    "postgresql": {
        "text": sa.Text(collation="C"),  # by code point
        "integer": sa.BigInteger(),
        "boolean": sa.Boolean(),
        "date": sa.Date(),
        "instant": sa.DateTime(timezone=True),
        "json": sa.Text(collation="C"),
    },
}
"""The type of each kind of column in the tables of each engine."""


class ColumnType(TypeDecorator[Any]):
    """A kind of column: takes and gives the plain values of `records.codec`, whatever the engine."""

    impl: Any = sa.Text
    cache_ok = True

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.impl = ENGINE_TYPES["postgresql"][kind]  # whose operators the columns have

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the engine's tables."""
        return ENGINE_TYPES[dialect.name][self.kind]

    def bind_processor(self, dialect: Dialect) -> Step | None:
        """Return how the engine's form writes a value."""
        return _unless_missing(FORMS[dialect.name].writes.get(self.kind))

    def result_processor(self, dialect: Dialect, coltype: object) -> Step | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return how the engine's form reads a value."""
        return _unless_missing(FORMS[dialect.name].reads.get(self.kind))


def _unless_missing(step: Step | None) -> Step | None:
    return step and (lambda value: None if value is None else step(value))


TYPES: Final[Mapping[Kind, ColumnType]] = {kind: ColumnType(kind) for kind in ENGINE_TYPES["sqlite"]}
TEXT: Final = TYPES["text"]
WHOLE: Final = TYPES["integer"]
INSTANT: Final = TYPES["instant"]


def bind_text(value: str) -> sa.BindParameter[str]:
    """Return a text as a parameter of its own: no text becomes part of a statement."""
    return sa.bindparam(None, str(value), type_=TEXT, unique=True)

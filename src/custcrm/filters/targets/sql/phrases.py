"""Phrases: pieces of SQL that SQLite and PostgreSQL write differently, chosen when a statement is compiled.

One class per phrase, one template per dialect; `{0}`, `{1}` … are its operands, already compiled. So a clause is built
once and runs on either, and values still reach the database as bound parameters only.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter
from typing import Any as Anything
from typing import ClassVar, Final, Self

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from custcrm.filters.syntax.errors import FilterError

BOOLEAN: Final = sa.Boolean()


class Phrase(FunctionElement[Anything]):
    """A piece of SQL with one template per dialect, None where a dialect cannot say it for the reason in `refusal`."""

    inherit_cache = True
    sqlite: ClassVar[str | None]
    postgresql: ClassVar[str | None]
    refusal: ClassVar[str] = ""

    def __init__(self, *operands: sa.ColumnElement[Anything], type_: TypeEngine[Anything] = BOOLEAN) -> None:
        super().__init__(*operands)
        self.type = type_

    def self_group(self, against: Anything = None) -> Self:  # noqa: ARG002 -- SQLAlchemy's signature
        """Return the phrase as it is: templates bring their parentheses, and `= 1` would hide it from indexes."""
        return self


@compiles(Phrase)
def _spoken(phrase: Phrase, compiler: SQLCompiler, **options: Anything) -> str:
    dialect = compiler.dialect.name
    if dialect not in ("sqlite", "postgresql", "default"):  # the default one is for print(clause)
        raise FilterError("target", f"filters run on SQLite and PostgreSQL, not on {dialect}")
    template = phrase.sqlite if dialect == "sqlite" else phrase.postgresql
    if template is None:
        raise FilterError("target", phrase.refusal)
    # Only the operands which are named: a bound value that is not written must not be sent.
    named = {int(name) for _, name, _, _ in Formatter().parse(template) if name}
    operands: Sequence[sa.ColumnElement[Anything]] = phrase.clauses.clauses
    return template.format(
        *(compiler.process(operand, **options) if place in named else "" for place, operand in enumerate(operands))
    )


# conditions --------------------------------------------------------------------------------------


class Parenthesized(Phrase):
    """Parentheses that SQLAlchemy does not flatten away."""

    inherit_cache = True
    sqlite = postgresql = "({0})"


class Complement(Phrase):
    """The complement of a condition that is never unknown."""

    inherit_cache = True
    sqlite = postgresql = "NOT ({0})"


class IsTrue(Phrase):
    """False where the condition is unknown."""

    inherit_cache = True
    sqlite = postgresql = "({0}) IS TRUE"


class IsNotTrue(Phrase):
    """True where the condition is false or unknown."""

    inherit_cache = True
    sqlite = postgresql = "({0}) IS NOT TRUE"


class MemberOf(Phrase):
    """The value is in a list that is one bound parameter, see `binding.ListParameter`."""

    inherit_cache = True
    sqlite = "{0} IN (SELECT value FROM json_each({1}))"
    postgresql = "{0} = ANY ({1})"


# text --------------------------------------------------------------------------------------------


class ByCodePoint(Phrase):
    """A text in the order of code points, which UTF-8 bytes have too, whatever collation the column has."""

    inherit_cache = True
    sqlite = "{0} COLLATE BINARY"
    postgresql = '{0} COLLATE "C"'


class Exactly(Phrase):
    """A text to be equal to another. PostgreSQL's usual collations compare bytes; naming one would lose the index."""

    inherit_cache = True
    sqlite = "{0} COLLATE BINARY"
    postgresql = "{0}"


class Contains(Phrase):
    """Operand 1 stands somewhere in the text."""

    inherit_cache = True
    sqlite = "instr({0}, {1}) > 0"
    postgresql = "strpos({0}, {1}) > 0"


class StartsWith(Phrase):
    """The text starts with operand 1; operand 2 is the first text after all those that do."""

    inherit_cache = True
    sqlite = "({0} COLLATE BINARY >= {1} AND {0} COLLATE BINARY < {2})"
    postgresql = "starts_with({0}, {1})"


class StartsWithLast(Phrase):
    """The text starts with operand 1, after which no other text comes: it is made of U+10FFFF."""

    inherit_cache = True
    sqlite = "{0} COLLATE BINARY >= {1}"
    postgresql = "starts_with({0}, {1})"


class EndsWith(Phrase):
    """The last code points, operand 2 of them, are operand 1."""

    inherit_cache = True
    sqlite = "substr({0}, -{2}) = {1}"
    postgresql = "right({0}, {2}) = {1}"


class Like(Phrase):
    """The text matches operand 1 as GLOB reads it, operand 2 as LIKE does: SQLite's LIKE takes `a` for `A`."""

    inherit_cache = True
    sqlite = "{0} GLOB {1}"
    postgresql = "{0} LIKE {2}"


class LongLike(Phrase):
    """A `Like` whose pattern is too long for GLOB."""

    inherit_cache = True
    sqlite = None
    postgresql = "{0} LIKE {2}"
    refusal = "SQLite takes patterns of at most 50,000 bytes; write a shorter LIKE"


# numbers -----------------------------------------------------------------------------------------


class Scaled(Phrase):
    """The number times operand 1, a power of ten, as a whole number; of a REAL in SQLite the whole part and the rest, each
    exactly. Beyond operand 2, either way, SQLite has no 64 bits for it: an error of the database. NaN is missing.
    """

    inherit_cache = True
    sqlite = (
        "CASE WHEN {0} BETWEEN -{2} AND {2}"
        " THEN (CAST({0} AS INTEGER) * {1} + CAST(round(({0} - CAST({0} AS INTEGER)) * {1}) AS INTEGER))"
        " WHEN {0} IS NOT NULL THEN abs(CAST(abs({0}) * -1e19 AS INTEGER)) END"
    )
    postgresql = "round(nullif(CAST({0} AS NUMERIC), 'NaN') * {1})"


class Overflowing(Phrase):
    """SQLite's error of a sum beyond 64 bits, for a number beyond 1; NULL for NULL.

    It depends on the number, so that it is not computed before it is reached.
    """

    inherit_cache = True
    sqlite = "abs(CAST(abs({0}) * -1e19 AS INTEGER))"
    postgresql = "NULL"


class Refused(Phrase):
    """What a bare clause on SQLite cannot say."""

    inherit_cache = True
    sqlite = None
    postgresql = "NULL"
    refusal = "SQLite computes with 64 bits here; compare with a smaller number"


class TooWide(Phrase):
    """What `exact.compared` gives, of which the one for a number of more than 38 digits is an error."""

    inherit_cache = True
    sqlite = "abs({0})"
    postgresql = "NULL"


class Numeric(Phrase):
    """A number with which PostgreSQL computes exactly."""

    inherit_cache = True
    sqlite = "{0}"
    postgresql = "CAST({0} AS NUMERIC)"


class Truncated(Phrase):
    """A quotient of whole numbers truncated toward zero, of any size on PostgreSQL."""

    inherit_cache = True
    sqlite = "(({0}) / ({1}))"
    postgresql = "div({0}, {1})"


class SortedBy(Phrase):
    """A key to sort by: on SQLite the text which sorts as the number by operand 1 does, on PostgreSQL operand 2."""

    inherit_cache = True
    sqlite = "custcrm_sorted({0}, {1})"
    postgresql = "{2}"


class OnPostgreSQL(Phrase):
    """What PostgreSQL sorts by next, where SQLite's one key says it all."""

    inherit_cache = True
    sqlite = "NULL"
    postgresql = "{0}"


class Native(Phrase):
    """What SQLite computes, and operand 1, what PostgreSQL does."""

    inherit_cache = True
    sqlite = "({0})"
    postgresql = "({1})"


class Wide(Phrase):
    """What SQLite computes within 64 bits; where operand 2 says that they do not do, operand 3; what PostgreSQL computes."""

    inherit_cache = True
    sqlite = "CASE WHEN {2} THEN {3} ELSE {0} END"
    postgresql = "({1})"


class IsInDigits(Phrase):
    """A number of any size is in a list that is one bound parameter: of digits on SQLite, of NUMERICs on PostgreSQL."""

    inherit_cache = True
    sqlite = "CAST({0} AS TEXT) IN (SELECT value FROM json_each({1}))"
    postgresql = "{0} = ANY ({1})"


class BoundedSum(Phrase):
    """The sum of numbers that are small enough for SQLite to add them up, 0 over nothing."""

    inherit_cache = True
    sqlite = postgresql = "coalesce(sum({0}), 0)"


class SumOf(Phrase):
    """The sum of 64 bit numbers, 0 over nothing: on SQLite in two halves, so that only the total must have 64 bits."""

    inherit_cache = True
    sqlite = (
        "coalesce(CASE WHEN sum({0} >> 32) + (sum({0} & 4294967295) >> 32) BETWEEN -2147483648 AND 2147483647"
        " THEN ((sum({0} >> 32) + (sum({0} & 4294967295) >> 32)) << 32) + (sum({0} & 4294967295) & 4294967295)"
        " ELSE abs(CAST(abs(sum({0} >> 32)) * -1e19 AS INTEGER)) END, 0)"
    )
    postgresql = "coalesce(sum({0}), 0)"


class Divided(Phrase):
    """A quotient of one kind of number: of whole ones truncated toward zero, which SQLAlchemy's `/` would not do."""

    inherit_cache = True
    sqlite = postgresql = "(({0}) / ({1}))"


class MonthDayOf(Phrase):
    """Month × 100 + day of a date; cast first, EXTRACT gives a numeric."""

    inherit_cache = True
    sqlite = "CAST(strftime('%m%d', {0}) AS INTEGER)"
    postgresql = "(CAST(EXTRACT(MONTH FROM {0}) AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM {0}) AS INTEGER))"

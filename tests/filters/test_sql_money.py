"""Money in a user's own tables: whole minor units or NUMERIC major units, one meaning."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from custcrm.filters import FilterError, LimitExceeded, Money, Schema
from custcrm.filters.syntax import nodes as s

SCHEMA = Schema({"spent": Money(), "sales": [{"total": Money()}]}, currency="EUR")
AMOUNTS = [Decimal("12.50"), Decimal("12.51"), Decimal("-0.01"), None]


@pytest.mark.parametrize("kind", [sa.Numeric(12, 2), sa.BigInteger(), sa.Double()])
@pytest.mark.parametrize("text", ["spent > 12.50", "spent IN (12.51, 3)", "SUM(sales.total) = 12.51", "spent * 2 = 25"])
def test_amounts_are_the_same_in_every_column(tables, kind, text):
    """NUMERIC and floats hold major units, integers minor units; both select the rows that Python selects."""

    def held(amount):
        return amount if amount is None or not isinstance(kind, sa.BigInteger) else int(amount * 100)

    meta = sa.MetaData()
    table = sa.Table("m_row", meta, sa.Column("id", sa.Integer, primary_key=True), sa.Column("spent", kind))
    sales = sa.Table("m_sales", meta, sa.Column("of", sa.ForeignKey("m_row.id")), sa.Column("total", kind))
    with tables.begin_nested() as savepoint:
        meta.create_all(tables)
        tables.execute(table.insert(), [{"id": n, "spent": held(a)} for n, a in enumerate(AMOUNTS)])
        tables.execute(sales.insert(), [{"of": n, "total": held(a)} for n, a in enumerate(AMOUNTS)])
        asked = SCHEMA.parse(text)
        found = set(tables.scalars(sa.select(table.c.id).where(asked.to_sql(table, sales=sales))))
        savepoint.rollback()
    python = [{"spent": a, "sales": [{"total": a}]} for a in AMOUNTS]
    assert found == {n for n, row in enumerate(python) if asked.matches(row)}


def test_other_columns_are_refused_by_name():
    """A column of texts holds no amount."""
    with pytest.raises(FilterError, match="'spent' is Money") as refused:
        SCHEMA.parse("spent > 1").to_sql(sa.table("t", sa.column("spent", sa.Text())))
    assert refused.value.kind == "target"


def test_doubling_and_long_chains_are_refused_quickly():
    """Definitions that double or follow each other too long raise `LimitExceeded`."""
    flat = {"s0": "v = 1", **{f"s{n}": f"SEGMENT('s{n - 1}') AND SEGMENT('s{n - 1}')" for n in range(1, 30)}}
    with pytest.raises(LimitExceeded):
        Schema({"v": int}, segments=flat).parse("SEGMENT('s29')")
    chain = {"s0": "v = 1", **{f"s{n}": f"SEGMENT('s{n - 1}')" for n in range(1, 250)}}
    with pytest.raises(LimitExceeded, match="segments are nested deeper"):
        Schema({"v": int}, segments=chain).parse("SEGMENT('s249')")
    with pytest.raises(LimitExceeded):
        Schema({"v": int}, metrics={"m0": "v", **{f"m{n}": f"m{n - 1} + m{n - 1}" for n in range(1, 23)}})


def test_what_our_own_code_lists_has_no_limit():
    """`Listed` may be long and stays what it is; the same list from JSON is refused."""
    schema = Schema({"id": str})
    ids = s.In(s.Field(("id",)), s.Listed(s.Literal(str(n)) for n in range(20_000)))
    asked = type(schema.parse("TRUE")).of(schema, ids)
    assert isinstance(asked.normal.items, s.Listed)
    with pytest.raises(LimitExceeded):
        schema.from_json(asked.to_json())


def test_fresh_reads_segments_anew():
    """A filter keeps its segments; `fresh` reads them again."""
    named = {"x": "v > 1"}
    asked = Schema({"v": int}, segments=named.get).parse("SEGMENT('x')")
    assert asked.matches({"v": 2})
    named["x"] = "v > 2"
    assert asked.uses_segments
    assert not asked.fresh().matches({"v": 2})

"""Rows that something else has changed, so that no record is written so: told by table and column, never by value."""

import traceback
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import custcrm
from custcrm.storage.sql.engine import open_engine

EVERYWHERE = {
    "kind": "UPDATE custcrm_customers SET kind = 'secret'",
    "status": "UPDATE custcrm_customers SET status = 'secret'",
    "credit_limit, credit_limit_currency": "UPDATE custcrm_customers SET credit_limit = 7, credit_limit_currency = 'secret'",
}
SQLITE = {
    "birth_date, birth_date_month_day": "UPDATE custcrm_customers SET birth_date = 'secret'",
    "created_at": "UPDATE custcrm_customers SET created_at = 9223372036854775807",
}
CASES = [*(("sqlite_store", *each) for each in {**EVERYWHERE, **SQLITE}.items()),
         *(("postgresql_store", *each) for each in EVERYWHERE.items())]


@pytest.mark.parametrize(("store", "column", "change"), CASES)
def test_a_broken_row_is_told_by_its_column(request: pytest.FixtureRequest, store: str, column: str, change: str) -> None:
    """Law: who reads a row that was changed beside us gets a Conflict with table and column; no text of it has the value."""
    where: str | Path = request.getfixturevalue(store)
    with custcrm.open(where) as crm:
        anna = crm.customers.add(first_name="Anna", birth_date="1990-05-13")
    engine = open_engine(where)
    with engine.begin() as connection:
        connection.execute(sa.text(change))
    engine.dispose()
    doors: dict[str, Any] = {"get": lambda crm: crm.customers.get(anna.id), "select": lambda crm: list(crm.select())}
    with custcrm.open(where) as crm:
        for read in doors.values():
            with pytest.raises(custcrm.CrmError) as caught:
                read(crm)
            told = "".join(traceback.format_exception(caught.value))
            assert "secret" not in told.replace(change, "")
            assert isinstance(caught.value, custcrm.Conflict), told
            assert f"a row of customers cannot be read for its {column}: " in str(caught.value)
        found = crm.verify()
        assert any(column in str(each) and "secret" not in str(each) for each in found.findings), str(found)

"""What a store logs, with every logger switched on: statements and counts, and nothing of a customer."""

import logging

import pytest
import sqlalchemy as sa

import custcrm

NAME, EMAIL = "Zuleika", "zuleika@example.org"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Log at DEBUG what anybody has to say, as an app does that looks for a fault; those loggers too that are made later."""
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy.pool", "psycopg", "custcrm"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def test_nothing_of_a_customer_is_logged(where: str | None, everything_logged: pytest.LogCaptureFixture) -> None:
    """Law: whatever is added, changed, found, shown or refused, with all loggers at DEBUG the log holds no value of theirs."""
    with custcrm.open(where) as crm:
        for name in tuple(logging.root.manager.loggerDict):
            everything_logged.set_level(logging.DEBUG, logger=name)
        anna = crm.customers.add(first_name=NAME, email=EMAIL, external_ids={"till": NAME}, attributes={"nick": NAME})
        crm.customers.add_all([{"first_name": NAME, "email": f"{number}{EMAIL}"} for number in range(80)])
        crm.customers.update(anna, last_name=NAME)
        with pytest.raises(custcrm.EmailTaken):
            crm.customers.add(email=EMAIL)
        with pytest.raises(custcrm.Conflict):
            crm.customers.add(first_name=NAME, external_ids={"till": NAME})
        assert crm.customers.find_by_email(EMAIL) == crm.customers.get(anna.id)
        found = crm.select("first_name = :name AND email EXISTS", {"name": NAME})
        assert found.count() == len(list(found)) == len(list(found.view(["first_name", "email"]))) == 81
        assert crm.verify()
    told = [each.name for each in everything_logged.records if NAME.casefold() in each.getMessage().casefold()]
    assert told == []
    if where is not None:
        assert "SELECT" in everything_logged.text  # statements are logged, for who looks for a slow one


def test_the_log_of_an_apps_own_engine_is_the_apps(everything_logged: pytest.LogCaptureFixture) -> None:
    """An engine that is not ours logs rows as before: only what a store opened is quiet."""
    with custcrm.open(), sa.create_engine("sqlite://").connect() as connection:
        connection.execute(sa.text(f"SELECT '{NAME}'")).all()
    assert f"('{NAME}',)" in everything_logged.text

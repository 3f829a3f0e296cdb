"""What a database refuses by rules that somebody added to it, and what it ends: errors of ours, without a value."""

import time
import traceback
from collections.abc import Sequence

import pytest

import custcrm
from custcrm.storage.sql.engine import open_engine

TRIGGER = (
    "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', new.first_name; END $$",
    "CREATE TRIGGER no BEFORE INSERT ON custcrm_customers FOR EACH ROW EXECUTE FUNCTION no()",
)
ADDED: dict[str, tuple[str, Sequence[str]]] = {
    "check": ("postgres_url", ["ALTER TABLE custcrm_customers ADD CHECK (length(first_name) < 3)"]),
    "trigger": ("postgres_url", TRIGGER),
    "type": ("postgres_url", ["ALTER TABLE custcrm_customers DROP COLUMN first_name, ADD COLUMN first_name integer"]),
    "sqlite trigger": ("sqlite_store", [
        "CREATE TRIGGER no BEFORE INSERT ON custcrm_customers BEGIN SELECT RAISE(ABORT, 'no secret'); END",
    ]),
    "sqlite failing trigger": ("sqlite_store", [
        "CREATE TRIGGER no BEFORE INSERT ON custcrm_customers BEGIN SELECT RAISE(FAIL, 'secret'); END",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("count", [1, 80])
@pytest.mark.parametrize("added", ADDED)
def test_what_a_database_refuses_is_a_conflict(request: pytest.FixtureRequest, added: str, count: int) -> None:
    """Law: what a rule added beside us refuses is a Conflict; no text of it, nor a traceback, has the row; nothing is kept."""
    fixture, statements = ADDED[added]
    where = request.getfixturevalue(fixture)
    with custcrm.open(where) as crm:
        engine = open_engine(where)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%") if engine.dialect.name == "postgresql" else statement)
        engine.dispose()
        with pytest.raises(Exception) as caught:  # which one it is, is what this is about
            crm.customers.add_all([{"first_name": f"secret {number}"} for number in range(count)])
        told = "".join(traceback.format_exception(caught.value)).replace("secret {number}", "")  # which is this file's own line
        assert "secret" not in told
        assert isinstance(caught.value, custcrm.CrmError), told
        if added != "type":
            assert isinstance(caught.value, custcrm.Conflict)
            assert crm.select().count() == 0


def test_a_transaction_that_the_server_ends_is_unavailable(postgres_url: str) -> None:
    """Law: who does nothing for longer than the server allows within a transaction is told so, by an error of ours."""
    custcrm.open(postgres_url).close()
    mark = "&" if "?" in postgres_url else "?"
    with custcrm.open(f"{postgres_url}{mark}options=-c%20idle_in_transaction_session_timeout%3D100") as crm:

        def idle() -> None:
            with crm.transaction():
                crm.customers.add(first_name="Anna")
                time.sleep(0.5)
                crm.customers.add(first_name="Ben")

        with pytest.raises(custcrm.CrmError) as caught:
            idle()
        assert isinstance(caught.value, custcrm.Unavailable)
        assert crm.select().count() == 0


@pytest.mark.parametrize("store", ["sqlite_store", "postgres_url"])
def test_what_fails_at_a_later_row_is_an_error_of_ours(request: pytest.FixtureRequest, store: str) -> None:
    """Law: SQLite computes a row when it is fetched; whichever it cannot, each door that reads says so as of the first."""
    with custcrm.open(request.getfixturevalue(store)) as crm:
        crm.programs.add("club")
        for number in range(3):
            anna = crm.customers.add(first_name=f"A{number}")
            crm.programs.join(anna, "club")
            for _ in range(3 if number else 0):
                crm.points.credit(anna, "club", 10**12)
        asked = crm.select("first_name = 'A0' OR programs.club.points ^ 4 > 0")
        doors = {
            "list": lambda: list(asked), "ids": asked.ids, "count": asked.count, "page": asked.page, "freeze": asked.freeze,
            "view": lambda: list(asked.view(["id"])), "plan": lambda: asked.tag("x").eligible,
            "apply": lambda: asked.tag("x").apply(key="x"), "liability": lambda: asked.points_liability("club"),
        }
        came_of = {}
        for name, door in doors.items():
            with pytest.raises(Exception) as caught:  # which one it is, is what this is about
                door()
            came_of[name] = (type(caught.value), getattr(caught.value, "kind", None))
        assert came_of == dict.fromkeys(doors, (custcrm.FilterError, "overflow"))

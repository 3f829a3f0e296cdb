"""Races of imports: with each other, and with all that is done to the same customers meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from custcrm.crm import Crm
from custcrm.records import Consent, Customer, Membership, Sale, TagAssignment
from custcrm.records.customers import CustomerStatus
from custcrm.testing.races.runners import RUNNERS, TURNS, Finish, Race, Turn, equal

PEOPLE: Final = 30
"""Customers of a file: enough for its transaction to last while others write about them."""

COLUMNS: Final = (
    "first_name", "last_name", "company_name", "customer_group", "home_location", "business_unit", "twitter_id", "tags.told",
)
"""What each runner's file tells, a column of its own; the email is what customers are found by."""


def import_rows(load: Callable[[Path], Any], header: str, rows: Iterable[str]) -> Mapping[str, int]:
    """Import a file of these lines and return the report's counts."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_text("\n".join([header, *rows]), encoding="utf-8")
        counts: Mapping[str, int] = load(path).counts
    return counts


def _people(crm: Crm, name: str) -> list[str]:
    return [each.id for each in crm.customers.add_all([{"email": f"{name}-{n}@example.org"} for n in range(PEOPLE)])]


def _order(turn: Turn) -> Sequence[int]:
    """Every second runner goes through the file backwards."""
    return range(PEOPLE - 1, -1, -1) if turn.runner % 2 else range(PEOPLE)


# imports of other columns --------------------------------------------------------------------------


def _for_columns(crm: Crm) -> list[str]:
    return _people(crm, "columns")


def _tell_a_column(crm: Crm, turn: Turn) -> str:
    rows = [f"columns-{n}@example.org,turn {turn.number}" for n in _order(turn)]
    return str(import_rows(crm.customers.import_csv, f"email,{COLUMNS[turn.runner]}", rows)["updated"])


def _no_column_lost(finish: Finish) -> None:
    equal(finish.counts, {str(PEOPLE): RUNNERS * TURNS})
    last = f"turn {TURNS - 1}"
    kept = finish.kept(Customer, id=list(finish.customers))
    lost = [(each.id, name) for each in kept for name in COLUMNS[:-1] if getattr(each, name) != last]
    tags = finish.kept(TagAssignment, customer_id=list(finish.customers), key="told", until=None)
    equal((lost, len(kept), [each.value for each in tags]), ([], PEOPLE, [last] * PEOPLE))


# an import and everything else ---------------------------------------------------------------------


def _for_everything(crm: Crm) -> list[str]:
    crm.programs.add("everything")
    people = _people(crm, "everything")
    for each in people:
        crm.programs.join(each, "everything")
    return people


def _do_everything(crm: Crm, turn: Turn) -> str:
    """Two runners import, each other one does something else to some of the customers, others in each turn."""
    some = turn.customers[turn.number :: TURNS]
    if turn.runner < 2:
        rows = [f"everything-{n}@example.org,turn {turn.number},yes,file" for n in _order(turn)]
        counts = import_rows(crm.customers.import_csv, "email,first_name,consents.email,tags.source", rows)
        return f"{sum(counts.values()) - counts.get('refused', 0)} imported"
    _DEEDS[turn.runner - 2](crm, some)
    return "done"


def _update(crm: Crm, some: Sequence[str]) -> None:
    for each in some:
        crm.customers.update(each, phone="+358401234567")


def _deactivate(crm: Crm, some: Sequence[str]) -> None:
    for each in some:
        crm.customers.deactivate(each)


def _deny(crm: Crm, some: Sequence[str]) -> None:
    for each in some:
        crm.consents.deny(each, "email", evidence="race")


def _tag_each(crm: Crm, some: Sequence[str]) -> None:
    for each in some:
        crm.tags.set(each, "source", "till")


def _tag_and_credit(crm: Crm, some: Sequence[str]) -> None:
    chosen = crm.select() & some
    chosen.tag("bulk").apply(key=f"tags {some[0]}")
    (chosen & "programs.everything EXISTS").credit_points("everything", 5).apply(key=f"points {some[0]}")


def _confirm(crm: Crm, some: Sequence[str]) -> None:
    for each in some:
        crm.programs.confirm_participation(each, "everything", evidence="portal_identification")


_DEEDS: Final[Sequence[Callable[[Crm, Sequence[str]], None]]] = (
    _update, _deactivate, _deny, _tag_each, _tag_and_credit, _confirm,
)


def _all_of_it_stands(finish: Finish) -> None:
    equal(finish.counts, {f"{PEOPLE} imported": 2 * TURNS, "done": (RUNNERS - 2) * TURNS})
    everybody = list(finish.customers)
    wanted = {"first_name": f"turn {TURNS - 1}", "phone": "+358401234567", "status": CustomerStatus.INACTIVE}
    kept = finish.kept(Customer, id=everybody)
    equal([(each.id, name) for each in kept for name, value in wanted.items() if getattr(each, name) != value], [])
    said = finish.kept(Consent, customer_id=everybody, channel="email", until=None)
    equal([(each.customer_id, each.granted) for each in said], [(each, False) for each in everybody])
    for key in ("source", "bulk"):
        tags = finish.kept(TagAssignment, customer_id=everybody, key=key, until=None)
        equal([each.customer_id for each in tags], everybody)
    members = finish.kept(Membership, program="everything")
    equal((len(members), sum(each.confirmed_at is not None for each in members)), (PEOPLE, PEOPLE))


# an import and newcomers ---------------------------------------------------------------------------


def _nobody(_: Crm) -> list[str]:
    return []


def _add_or_import(crm: Crm, turn: Turn) -> str:
    """Half of the runners import people, the others add the same ones by one of what identifies them."""
    names = [f"{turn.number}-{n}" for n in _order(turn)]
    if turn.runner % 2:
        rows = [f"new-{each}@example.org,new {each},{each}" for each in names]
        counts = import_rows(crm.customers.import_csv, "email,card_number,external_ids.race", rows)
        return f"{sum(counts.values())} rows"
    for each in names[turn.runner :: RUNNERS]:
        crm.customers.add(email=f"new-{each}@example.org", card_number=f"new {each}", external_ids={"race": each})
    return "added"


def _added_once(finish: Finish) -> None:
    imports = finish.counts.get(f"{PEOPLE} rows", 0)
    others = {"added", "EmailTaken", "Taken"} >= {*finish.counts} - {f"{PEOPLE} rows"}
    equal((imports, others), (RUNNERS // 2 * TURNS, True))
    for number in range(TURNS):
        emails = [f"new-{number}-{n}@example.org" for n in range(PEOPLE)]
        equal(len(finish.kept(Customer, email=emails)), PEOPLE)


# sales ---------------------------------------------------------------------------------------------


def _buyers(crm: Crm) -> list[str]:
    return _people(crm, "buyer")


def _record_or_import(crm: Crm, turn: Turn) -> str:
    """Half of the runners import receipts, the others record the same ones."""
    if turn.runner % 2:
        rows = [f"{turn.number}-{n},2026-01-01,5,buyer-{n}@example.org" for n in _order(turn)]
        counts = import_rows(crm.sales.import_csv, "external_id,occurred_at,total,email", rows)
        return f"{sum(counts.values()) - counts.get('refused', 0)} told"
    for n in _order(turn):
        crm.sales.record(turn.customers[n], 5, occurred_at="2026-01-01", external_id=f"{turn.number}-{n}")
    return f"{PEOPLE} told"


def _recorded_once(finish: Finish) -> None:
    equal(finish.counts, {f"{PEOPLE} told": RUNNERS * TURNS})
    sales = finish.kept(Sale, customer_id=list(finish.customers))
    equal((len(sales), len({each.external_id for each in sales})), (PEOPLE * TURNS, PEOPLE * TURNS))


IMPORT_RACES: Final = (
    Race(name="columns", law="imports of other columns lose nothing of one another", prepare=_for_columns,
         run=_tell_a_column, check=_no_column_lost),
    Race(name="everything", law="what is done to customers during an import stands, and so does the import",
         prepare=_for_everything, run=_do_everything, check=_all_of_it_stands),
    Race(name="newcomers", law="nobody's add ends an import, and who is told of by both is there once", prepare=_nobody,
         run=_add_or_import, check=_added_once),
    Race(name="receipts", law="a receipt that is recorded and imported is one sale", prepare=_buyers,
         run=_record_or_import, check=_recorded_once),
)
"""Races of imports."""

"""What `view.to_csv` writes, an import reads back exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custcrm
from custcrm.testing import ManualClock

LETTERS = st.sampled_from([*"=+-@;,\"| \n\r\tÄé1", "\u2028", "\x85", "'", "\uff1d", "日", "\\"])
TEXT = st.builds("{}{}".format, st.text(LETTERS, max_size=4), st.sampled_from(["Anna", "1+1", "x"])).filter(
    lambda text: text == text.strip()
)
COLUMNS = ["external_ids.shop", "first_name", "email", "phone", "attributes.note", "tags.level", "birth_date", "credit_limit"]


def table(crm):
    return [list(row.values()) for row in crm.select().view(COLUMNS, sort=["external_ids.shop"])]


@pytest.mark.feature("V31")
@given(people=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), delimiter=st.sampled_from([",", ";", "\t", "|"]),
       bom=st.booleans())
def test_an_export_is_imported_exactly(people, delimiter, bom, tmp_path_factory):
    """Formulas, quotes, delimiters and line ends come back letter by letter; again imported, all is unchanged."""
    path = tmp_path_factory.mktemp("trip") / "people.csv"
    clock = ManualClock("2026-11-21T12:00+02:00")
    with custcrm.open(clock=clock, country="FI") as first, custcrm.open(clock=clock, country="FI") as second:
        for number, (name, note) in enumerate(people):
            customer = first.customers.add(
                first_name=name, email=f"a{number}@example.org", phone="+358 40 1234567", birth_date="--02-29",
                credit_limit="-5.50", external_ids={"shop": str(number)}, attributes={"note": note},
            )
            first.tags.set(customer, "level", note)
        written = first.select().view(COLUMNS, sort=["external_ids.shop"]).to_csv(path, delimiter=delimiter, bom=bom)
        assert second.customers.import_csv(path, labels=()).counts == {"added": written}
        assert table(second) == table(first)
        assert first.customers.import_csv(path, labels=()).counts == {"unchanged": written}


@given(has=st.lists(st.booleans(), min_size=1, max_size=4))
def test_tags_without_value_are_exported_and_imported(has, tmp_path_factory):
    """What a view writes of who has a tag gives the same customers the tag, without value; and takes it off the others."""
    path = tmp_path_factory.mktemp("labels") / "people.csv"
    with custcrm.open() as first, custcrm.open() as second:
        for number, tagged in enumerate(has):
            for crm in (first, second):
                customer = crm.customers.add(email=f"a{number}@example.org")
                if tagged == (crm is first):
                    crm.tags.set(customer, "VIP")
        first.select().view(["email", "tags.VIP EXISTS"]).to_csv(path)
        assert second.customers.import_csv(path).counts == {"updated": len(has)}
        assert [second.tags.of(each) for each in second.select().ids()] == [{"VIP": None} if each else {} for each in has]
        assert second.customers.import_csv(path).counts == first.customers.import_csv(path).counts == {"unchanged": len(has)}


@pytest.mark.feature("V31")
def test_a_formula_is_neutralised_and_a_number_is_not(tmp_path):
    """`=1+1` and the text `-5` get an apostrophe, the amount -5 stays a number, `;` and line ends are quoted."""
    with custcrm.open() as crm:
        crm.customers.add(first_name="=1+1", last_name="-5", company_name="A;B\nC", credit_limit="-5", email="a@example.org")
        columns = ["first_name", "last_name", "credit_limit", "company_name"]
        crm.select().view(columns).to_csv(tmp_path / "one.csv", delimiter=";")
    text = (tmp_path / "one.csv").read_bytes().decode()
    assert text == 'first_name;last_name;credit_limit;company_name\r\n\'=1+1;\'-5;-5.00;"A;B\nC"\r\n'

"""A conditions screen over a customer base: lists to choose from, a flat list back, and a count while typing."""

import custcrm
from custcrm import FilterError

crm = custcrm.open(currency="EUR", country="FI")
for first_name, phone, totals in (("Anna", "040 123 4567", (480, 99)), ("Ben", None, (620,)), ("Chloe", None, ())):
    customer = crm.customers.add(first_name=first_name, phone=phone)
    for total in totals:
        crm.sales.record(customer, total)

# What the drop-down lists show: the field's label, and the operators that fit its type.
offers = {condition.field: condition for condition in crm.schema.conditions()}
assert [operator.label for operator in offers["phone"].operators][:3] == ["Exists", "Doesn’t exist", "Equals"]
assert {"More than", "Less than", "Between"} <= {operator.label for operator in offers["sales_count"].operators}
assert offers["kind"].choices == ("person", "company")
print(f"{len(offers)} fields to choose from")


def count(rows: list[dict[str, object]]) -> dict[str, object]:
    """Answer the screen: how many customers the list gives, or which row to mark and why."""
    try:
        chosen = crm.schema.from_conditions(rows)
    except FilterError as error:
        return {"error": error.message, "field": error.field}
    return {"count": crm.select(chosen).count(), "filter": str(chosen), "sentence": chosen.describe()}


rows: list[dict[str, object]] = [
    {"field": "sales_count", "operator": "More than", "value": 1},
    {"join": "AND", "field": "phone", "operator": "Exists"},
    {"join": "OR", "field": "sales_total", "operator": "More than", "value": 600},
]
answer = count(rows)
assert answer["count"] == 2
assert answer["filter"] == "(sales_count > 1 AND phone EXISTS) OR sales_total > 600"
print(answer["sentence"])

wrong = count([*rows, {"join": "AND", "field": "kind", "operator": "Equals", "value": "persn"}])
assert "row 4" in str(wrong["error"])

# A chosen filter is a filter: save it, and use it in a question.
crm.segments.add("worth a call", crm.schema.from_conditions(rows))
assert [customer.first_name for customer in crm.select("SEGMENT('worth a call')")] == ["Anna", "Ben"]

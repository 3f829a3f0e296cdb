"""Names that people give to programs, places, series …: what is none is Malformed at the argument that gives it."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest

import custcrm

DOORS: dict[str, tuple[Callable[[custcrm.Crm], Callable[..., Any]], str, dict[str, Any]]] = {
    "program": (lambda crm: crm.programs.add, "name", {}),
    "categories": (lambda crm: crm.programs.add, "categories", {"name": "other"}),
    "category": (lambda crm: crm.categories.add, "name", {"program": "club"}),
    "point of sale": (lambda crm: crm.points_of_sale.add, "name", {}),
    "terminal": (lambda crm: crm.terminals.add, "name", {"point_of_sale": "kiosk"}),
    "account": (lambda crm: crm.accounts.add, "name", {"program": "club"}),
    "coupon series": (lambda crm: crm.coupons.add_series, "name", {"program": "club"}),
    "shared code": (lambda crm: crm.coupons.add_series, "shared_code", {"name": "x", "program": "club", "codes": "shared"}),
    "segment": (lambda crm: crm.segments.add, "name", {"filter": "TRUE"}),
    "sender": (lambda crm: crm.senders.add, "name", {}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("given", [" \t", "", "x" * 65, "a\nb", 5], ids=["blanks", "empty", "long", "lines", "number"])
def test_a_name_that_is_none_is_told_at_its_argument(crm: custcrm.Crm, door: str, given: Any) -> None:
    """Law: the error's field is an argument of the call, the one that gave the name, and a blank is called one."""
    crm.programs.add("club")
    crm.points_of_sale.add("kiosk")
    verb, argument, more = DOORS[door]
    with pytest.raises(custcrm.Malformed) as caught:
        verb(crm)(**more, **{argument: [given] if argument == "categories" else given})
    assert caught.value.field == argument
    assert argument in signature(verb(crm)).parameters
    if isinstance(given, str) and not given.strip() and argument == "name":
        assert "blank" in str(caught.value)


@pytest.mark.parametrize("actor", [5, b"till", "a\0b", "\ud800", "x" * 201])
def test_who_acts_is_a_text_that_every_store_keeps(actor: Any) -> None:
    """Told when a store is opened, or later: Malformed at once, not when something is written."""
    with custcrm.open() as crm:
        for act in (lambda: custcrm.open(actor=actor), lambda: crm.acting_as(actor)):
            with pytest.raises(custcrm.Malformed) as caught:
                act()
            assert caught.value.field == "actor"

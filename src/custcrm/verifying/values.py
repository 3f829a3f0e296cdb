"""What holds of every record by its declaration: amounts in the store's currency, references that are there, unique columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Final

from attrs import frozen

from custcrm.records import RECORDS, ContactPoint, Customer, SeriesBudget
from custcrm.records.declaration import CHANNELS, Column, Counter, declaration
from custcrm.storage.columns import tuple_reader
from custcrm.storage.protocol import Reader
from custcrm.values.texts import trimmed
from custcrm.verifying.ground import Ground, in_pieces
from custcrm.verifying.report import Findings, ids_of

CUSTOMERS: Final = "customers"

KNOWN_BY: Final = frozenset({
    "card_number", "code", "external_id", "key", "name", "reference", "reserved_for", "rule", "series", "shared_code", "system",
})
"""Columns that hold what something is known by: never blank, and trimmed where they were written."""


@frozen
class _Named:
    """A column that names a record or a channel (`ref`), or is one of some words; and the check that looks at it."""

    attribute: str
    words: tuple[str, ...]
    ref: str | None
    check: str


@frozen
class _Shape:
    """What is asked of a class of records: its attributes of money, its columns that something is known by, and its columns
    that name others or are words.
    """

    money: tuple[str, ...]
    known_by: tuple[str, ...]
    names: tuple[_Named, ...]
    counter: Counter | None


@cache
def _shape(record: type[Any]) -> _Shape:
    about = declaration(record)
    return _Shape(
        money=tuple(column.source[0] for column in about.columns if column.source[1:] == ("minor",)),
        known_by=tuple(name for name in about.names if name in KNOWN_BY),
        names=tuple(_named(column) for column in about.columns if column.words or column.ref not in (None, CUSTOMERS)),
        counter=about.counter,
    )


def _named(column: Column) -> _Named:
    check = "rows" if column.ref is None else "channels" if column.ref == CHANNELS else "references"
    return _Named(column.name, column.words, column.ref, check)


def check_values(records: Iterable[Any], ground: Ground, found: Findings) -> None:
    """Look at records of any class."""
    amounts = 0
    for each in records:
        kind: type = type(each)
        shape = _shape(kind)
        for attribute in shape.money:
            amount = getattr(each, attribute)
            if amount is not None:
                amounts += 1
                if amount.currency != ground.business.currency:
                    found.add("currency", kind, ids_of(each), f"{attribute} is in {amount.currency}, the store keeps "
                                                              f"{ground.business.currency}")
        found.look("identifiers", len(shape.known_by))
        for attribute in shape.known_by:
            known = getattr(each, attribute)
            if known is not None and (not known or known != trimmed(known)):
                found.add("identifiers", kind, ids_of(each), f"the {attribute} is blank, or has blanks round it")
        _check_names(each, shape.names, ground, found)
    found.look("currency", amounts)


def _check_names(record: Any, named: Iterable[_Named], ground: Ground, found: Findings) -> None:
    for each in named:
        name = getattr(record, each.attribute)
        if name is None:
            continue
        found.look(each.check)
        if name in each.words or (each.ref is not None and name in ground.names[each.ref]):
            continue
        text = f"{each.attribute} is {name!r}, which is not among {each.ref or ', '.join(each.words)}"
        found.add(each.check, type(record), ids_of(record), text)


def check_records(reader: Reader, ground: Ground, found: Findings) -> None:
    """Look at the records that are no facts about a customer: programs, series, codes, rules, settings."""
    for record in RECORDS:
        about = declaration(record)
        if about.of_customer or record.__name__ in ("Customer", "Target"):
            continue
        check_values(_all(reader, record), ground, found)
    for budget in reader.find(SeriesBudget):
        found.look("currency")
        if budget.currency != ground.business.currency:
            found.add("currency", SeriesBudget, ids_of(budget), f"the budget is in {budget.currency}, the store keeps "
                                                                f"{ground.business.currency}")


def check_unique(reader: Reader, suspect: Collection[str], found: Findings) -> None:
    """Look for columns that stand once: byte for byte, in their own order, so that two of the same follow each other.

    The unique index of a store holds them apart; what it holds is read only of tables in which something is wrong.
    """
    for record in RECORDS:
        for columns in declaration(record).unique:
            found.look("unique")
            if declaration(record).table not in suspect:
                continue
            read = tuple_reader(record, columns)
            for before, after in pairwise(_sorted(reader, record, columns)):
                found.look("unique")
                if read(before) == read(after) and None not in read(after):
                    both = (*ids_of(before), *ids_of(after))
                    found.add("unique", record, dict.fromkeys(both), f"two have the same {', '.join(columns)}")


def check_addresses(reader: Reader, found: Findings) -> None:
    """Look for further emails that are another customer's, as an email is one customer's wherever it stands."""
    for piece in in_pieces(reader.find(ContactPoint, {"kind": "email"})):
        values = sorted({each.value for each in piece})
        whose = dict(reader.values(Customer, ("email", "id"), {"email": values}))
        owners: dict[str, set[str]] = {}
        for value, owner in reader.values(ContactPoint, ("value", "customer_id"), {"kind": "email", "value": values}):
            owners.setdefault(value, set()).add(owner)
        for each in piece:
            found.look("unique")
            if whose.get(each.value, each.customer_id) != each.customer_id or len(owners[each.value]) > 1:
                found.add("unique", ContactPoint, ids_of(each), "the email is another customer's too")


def _all(reader: Reader, record: type) -> Iterator[Any]:
    return reader.find(record)


def _sorted(reader: Reader, record: type, columns: tuple[str, ...]) -> Iterator[Any]:
    return reader.find(record, order=columns)

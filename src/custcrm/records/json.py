"""Records as JSON, and back: every attribute that is a fact by its name, exact values as texts, nothing guessed.

Instants are ISO 8601 in UTC, dates ISO 8601 (`--02-29` without a year), money `{"amount": "579.90", "currency": "EUR"}`.
Reading is strict: `"3"` is no whole number, unknown attributes and naive instants are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from cattrs import Converter
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from custcrm.records.declaration import declaration
from custcrm.values.birthdays import YearlessDate, birth_date
from custcrm.values.errors import Malformed
from custcrm.values.money import Money

R = TypeVar("R")


def to_json(record: object) -> dict[str, Any]:
    """Return a record as what `json.dumps` takes.

    >>> from custcrm.records import Setting
    >>> to_json(Setting(name="currency", value="EUR"))
    {'name': 'currency', 'value': 'EUR'}
    """
    declaration(type(record))
    return dict(_converter().unstructure(record))


def from_json(cls: type[R], data: Mapping[str, Any]) -> R:
    """Return the record of a class that `to_json` gave; Malformed names the attributes that are wrong, and holds no values."""
    declaration(cls)
    try:
        return _converter().structure(dict(data), cls)
    except BaseValidationError as error:
        raise Malformed(f"no {cls.__name__}: {', '.join(_wrong(error))}") from None


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for kind in (int, bool, str):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(StrEnum, lambda value, kind: kind(value))
    converter.register_structure_hook(datetime, _instant)
    converter.register_unstructure_hook(datetime, lambda value: value.astimezone(UTC).isoformat())
    converter.register_structure_hook(Money, lambda value, _: Money(value["amount"], value["currency"]))
    converter.register_unstructure_hook(Money, lambda value: {"amount": str(value.amount), "currency": value.currency})
    converter.register_structure_hook_func(
        lambda kind: kind == date | YearlessDate | None, lambda value, _: None if value is None else birth_date(value)
    )
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_unstructure_hook(YearlessDate, str)
    converter.register_unstructure_hook_func(
        lambda kind: kind == date | YearlessDate | None, lambda value: None if value is None else _day(value)
    )
    return converter


def _day(value: date | YearlessDate) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}")
    return value


def _instant(value: Any, _: type) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.utcoffset() is None:
        raise ValueError("an instant has an offset")
    return instant.astimezone(UTC)


def _wrong(error: BaseValidationError) -> list[str]:
    """Return what is wrong, attribute by attribute."""
    found: list[str] = []
    for each in error.exceptions:
        if isinstance(each, ForbiddenExtraKeysError):
            found += [f"{name} is not known" for name in sorted(each.extra_fields)]
        else:
            notes = [note for note in getattr(each, "__notes__", ()) if hasattr(note, "name")]
            found += [f"{note.name} is missing or malformed" for note in notes] or ["not an object"]
    return found

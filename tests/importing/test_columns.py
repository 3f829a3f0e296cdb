"""Files of very many columns: what their header says is read in a time that grows with its length."""

from collections.abc import Callable, Mapping
from time import process_time
from typing import Any, Final

import pytest

import custcrm
from custcrm import Malformed

FEW: Final = 3_000
MANY: Final = 24_000
"""Eight times as many: eight times the time is due, sixty-four times it where each column is compared with each."""
MOST: Final = 24

KINDS: Final[Mapping[str, tuple[str, Callable[[int], Mapping[str, Any]]]]] = {
    "attributes": ("attributes.{}", lambda _: {}),
    "external ids": ("external_ids.{}", lambda _: {}),
    "tags": ("tags.{}", lambda _: {}),
    "labels": ("tags.{} EXISTS", lambda _: {}),
    "labels told": ("tags.{}", lambda columns: {"labels": [str(each) for each in range(columns)]}),
    "ignored": ("other {}", lambda columns: {"ignore": [f"other {each}" for each in range(columns)]}),
    "mapped": ("other {}", lambda columns: {"columns": {f"other {each}": f"attributes.{each}" for each in range(columns)}}),
    "unknown": ("other {}", lambda _: {}),
    "no channels": ("consents.{}", lambda _: {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_many_columns_take_as_long_as_they_are_many(file, kind: str) -> None:
    """Of attributes, ids, tags, labels, columns that are mapped, ignored or unknown; the best of three times each."""
    name, told = KINDS[kind]

    def seconds(columns: int) -> float:
        head, row = ",".join(["email", *map(name.format, range(columns))]), "," * columns
        path, crm, given = file(f"{head}\na@example.org{row}\n"), custcrm.open(), told(columns)
        begun = process_time()
        try:
            assert crm.customers.import_csv(path, dry_run=True, **given).counts == {"added": 1}
        except Malformed:
            assert kind in ("unknown", "no channels")
        return process_time() - begun

    few, many = (min(seconds(columns) for _ in range(3)) for columns in (FEW, MANY))
    assert many < MOST * few, f"{many / few:.0f} times the time for {MANY // FEW} times the columns"

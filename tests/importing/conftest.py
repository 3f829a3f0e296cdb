"""A shop on each kind of store, with a clock that stands still, and a way to write a file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import custcrm
from custcrm import Crm
from custcrm.testing import ManualClock


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def crm(request) -> Iterator[Crm]:
    store = None if request.param == "memory" else request.getfixturevalue(f"{request.param}_store")
    with custcrm.open(
        store, currency="EUR", timezone="Europe/Helsinki", country="FI", clock=ManualClock("2026-11-21T12:00+02:00")
    ) as crm:
        yield crm


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write a text to a file, as it stands."""

    def write(text: str | bytes, name: str = "rows.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write

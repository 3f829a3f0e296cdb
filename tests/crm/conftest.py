"""The facade on every store: `opened` opens one, `crm` is one in euros and Helsinki with a clock that stands still."""

from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest

import custcrm
from custcrm.testing import ManualClock
from custcrm.values.errors import Closed

Opened = Callable[..., custcrm.Crm]

VERIFIED = 4
"""One of so many tests on a database looks at the store as a whole at its end, which takes as long as most tests do; in memory,
and with --proofs=long, all of them do."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-11-21T12:00+02:00")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> str | None:
    """Return the place of an empty store of each kind."""
    return None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))


@pytest.fixture
def tampered() -> None:
    """Tell that a test breaks a promise of the store on purpose; any other leaves one that keeps them all."""


@pytest.fixture
def is_verified(request: pytest.FixtureRequest, where: str | None, long: bool) -> bool:
    """Tell whether the test looks at the store as a whole at its end."""
    return where is None or long or crc32(request.node.nodeid.encode()) % VERIFIED == 0


@pytest.fixture
def opened(
    request: pytest.FixtureRequest, where: str | None, clock: ManualClock, is_verified: bool
) -> Iterator[Opened]:
    """Open the store as one would, with a clock; at the end it keeps what it promises, and all are closed."""
    faces: list[custcrm.Crm] = []

    def make(**settings: Any) -> custcrm.Crm:
        face = custcrm.open(where, **{"clock": clock, **settings})
        faces.append(face)
        return face

    yield make
    try:
        kept = not faces or not is_verified or "tampered" in request.fixturenames or faces[0].verify()
    except Closed:
        kept = True  # by the test: what it is about ends with it
    for face in faces:
        face.close()
    assert kept, str(kept)


@pytest.fixture
def crm(opened: Opened) -> custcrm.Crm:
    return opened(currency="EUR", timezone="Europe/Helsinki", country="FI")


@pytest.fixture
def people(crm: custcrm.Crm) -> dict[str, custcrm.Customer]:
    """Add five customers: Anna full, Ben limited, Chloe none, Dan blacklisted in the club, Eve not a member."""
    crm.programs.add("club", categories=["Gold"])
    access = {"Anna": "full", "Ben": "limited", "Chloe": "none", "Dan": "blacklisted"}
    made = {name: crm.customers.add(first_name=name, email=f"{name}@example.org") for name in [*access, "Eve"]}
    for name, kind in access.items():
        crm.programs.join(made[name], "club", access=kind)
    return made

"""What proofs draw, and the stores that their processes share."""

import pytest


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """Give what is drawn by where hypothesis does not draw: the same for everybody, others behind the targets."""
    given = pytestconfig.getoption("--hypothesis-seed", default=None)
    return 20261130 if given is None else int(given)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty store that processes can share."""
    return str(request.getfixturevalue(f"{request.param}_store"))

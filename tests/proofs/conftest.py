"""How long the proofs take: seconds in `make test`, minutes behind targets of their own (`make proofs`)."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--proofs", choices=["short", "long"], default="short", help="how long the proofs may take")


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Tell whether the long form was asked for; the option is there only when pytest is given this folder."""
    return str(pytestconfig.getoption("--proofs", default="short")) == "long"


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """Give what is drawn by where hypothesis does not draw: the same for everybody, others behind the targets."""
    given = pytestconfig.getoption("--hypothesis-seed", default=None)
    return 20261130 if given is None else int(given)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty store that processes can share."""
    return str(request.getfixturevalue(f"{request.param}_store"))

"""What an installed custcrm must bring besides its code."""

import re
from importlib.metadata import entry_points, requires, version
from importlib.resources import files

PURCHASE = re.compile(r" (\d{5}) (\d{4}) (\d{8}) ([ \d]\d) ([ \d]{3}\d\.\d\d)")


def test_the_package_is_typed() -> None:
    """Type checkers take our annotations: py.typed is shipped."""
    assert files("custcrm").joinpath("py.typed").is_file()


def test_the_version_is_a_release_number() -> None:
    """An installed custcrm tells its version."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", version("custcrm"))


def test_what_is_required_stays_small() -> None:
    """Only the libraries of the design are required; servers, command line and frames are extras."""
    names = {re.split(r"[<>=\[ ;]", need)[0] for need in requires("custcrm") or () if "extra ==" not in need}
    assert names == {
        "alembic", "attrs", "cattrs", "charset-normalizer", "email-validator", "phonenumbers", "python-dateutil", "regex",
        "sortedcontainers", "sqlalchemy", "tzdata",
    }  # fmt: skip


def test_the_command_is_installed() -> None:
    """`custcrm` on the command line is custcrm.cli:main."""
    (command,) = entry_points(group="console_scripts", name="custcrm")
    assert command.value == "custcrm.cli:main"


def test_the_example_data_are_whole() -> None:
    """The CDNOW sample has 6,919 well-formed purchases of 2,357 customers, and says whence it comes."""
    folder = files("custcrm").joinpath("example_data")
    *lines, rest = folder.joinpath("cdnow_sample.txt").read_bytes().decode("ascii").split("\r\n")
    purchases = [PURCHASE.fullmatch(line) for line in lines]
    assert rest == ""
    assert all(purchases)
    assert len(purchases) == 6919
    assert len({purchase[2] for purchase in purchases if purchase}) == 2357
    assert "lifetimes" in folder.joinpath("README.md").read_text(encoding="utf-8")

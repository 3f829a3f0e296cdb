"""The page of verifying has the checks that there are."""

from custcrm.verifying import CHECKS
from tests.docs.pages import code, page, table


def test_every_check_is_documented_with_its_promise() -> None:
    """The table of docs/verifying.md is that of the code, in its order."""
    rows = table(page("verifying.md"), "check | promise")
    assert [(code(check), promise) for check, promise in rows] == [(name, each.promise) for name, each in CHECKS.items()]

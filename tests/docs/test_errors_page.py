"""docs/errors.md describes every error and every reason, with the sentences of the code."""

import custcrm
from custcrm.values.errors import SENTENCES, CrmError
from tests.docs.pages import code, page, table

PAGE = page("errors.md")


def test_every_error_class_is_described() -> None:
    """The table has every public error, with a class that it really belongs to, and attributes that it really has."""
    rows = table(PAGE, "error | also a | means | carries | what to do")
    named = {name: getattr(custcrm, name) for name in custcrm.__all__}
    errors = {name for name, each in named.items() if isinstance(each, type) and issubclass(each, CrmError)}
    assert {code(row[0]) for row in rows} == errors
    for row in rows:
        assert code(row[1]) in {each.__name__ for each in named[code(row[0])].__mro__}


def test_every_reason_has_its_sentence() -> None:
    """The table has every reason in order of precedence, with the sentence that a Refusal shows."""
    told = [(code(reason), sentence) for reason, sentence in table(PAGE, "reason | sentence")]
    assert told == [(reason.value, sentence) for reason, sentence in SENTENCES.items()]


def test_every_reason_of_a_row_is_described() -> None:
    """The table has every reason for which a row of a file is refused."""
    from custcrm.importing.report import RowReason

    assert [code(reason) for reason, _ in table(PAGE, "reason | means")] == [reason.value for reason in RowReason]


def test_coupons_keep_the_order_of_reasons() -> None:
    """The reasons for which a coupon is not redeemed come in the order that holds for all actions."""
    from custcrm.rules.coupons import PRECEDENCE

    assert list(PRECEDENCE) == [reason for reason in SENTENCES if reason in PRECEDENCE]

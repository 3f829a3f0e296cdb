"""What refunds take back: what is left is never below nought, and all of a sale nets to nothing."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from custcrm import Malformed, Money, Refusal
from custcrm.records import Sale, SaleLine
from custcrm.rules.sales.refunds import Asked, Known, left, points_kept, refund

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def euros(minor: int) -> Money:
    return Money.from_minor(minor, "EUR")


def line(number, product, quantity, minor, category="Wine") -> SaleLine:
    return SaleLine(
        customer_id="c", sale_id="s", number=number, occurred_at=NOON, product=product, category=category,
        quantity=quantity, price=euros(minor), amount=euros(minor * quantity),
    )


def sold(*bought: SaleLine, total: int | None = None, units: int | None = None) -> Known:
    minor = sum(each.amount.minor for each in bought) if total is None else total
    count = sum(each.quantity for each in bought) if units is None else units
    return Known(
        sale=Sale(customer_id="c", id="s", occurred_at=NOON, total=euros(minor), units=count, recorded_at=NOON), lines=bought
    )


def take(known: Known, *, now: datetime = NOON, **asked) -> Known:
    """Return what is known after one more refund."""
    done = refund(known, Asked(**asked), id=f"r{len(known.refunds)}", now=now, place=(None, None))
    assert done.left == left(known.sale, [*known.refunds, done.refund])
    return Known(
        sale=known.sale, lines=known.lines, refunds=[*known.refunds, done.refund], returned=[*known.returned, *done.lines]
    )


def back(product, quantity, minor=None, category=None):
    """Return a line that came back, and the words it was told by."""
    told = line(1, product, quantity, 0, category)
    words = {"product", "quantity"} | ({"category"} if category else set())
    if minor is None:
        return told, frozenset(words)
    return SaleLine(
        customer_id="c", sale_id="", number=1, occurred_at=NOON, product=product, category=category, quantity=quantity,
        price=euros(0), amount=euros(minor),
    ), frozenset({*words, "amount"})


def back_at(product, price):
    """Return a piece that came back, told by its price."""
    return line(1, product, 1, price, None), frozenset({"product", "price"})


def lines(*told) -> dict:
    return {"lines": [each for each, _ in told], "words": [words for _, words in told]}


products = st.lists(
    st.builds(line, st.integers(1, 99), st.sampled_from(["a", "b", "c"]), st.integers(1, 5), st.integers(0, 10_000)),
    min_size=1, max_size=4, unique_by=lambda each: each.number,
)


@given(products, st.lists(st.one_of(st.integers(0, 10_000), st.tuples(st.sampled_from("abcd"), st.integers(0, 5))), max_size=6))
def test_whatever_is_tried_there_is_never_less_than_nothing(bought, tries):
    """Money, units and lines by product stay from nought to what was sold; taking the rest then leaves nothing of any."""
    known = sold(*bought)
    for tried in tries:
        try:
            known = take(known, **({"amount": euros(tried)} if isinstance(tried, int) else lines(back(*tried))))
        except (Refusal, Malformed):
            continue
        rest = left(known.sale, known.refunds)
        assert 0 <= rest.total.minor <= known.sale.total.minor and 0 <= rest.units <= known.sale.units
        assert rest.counts == (1 if rest.total.minor or (not known.sale.total.minor and rest.units) else 0)
    if left(known.sale, known.refunds).counts:
        known = take(known)
        both = [*known.lines, *known.returned]
        assert left(known.sale, known.refunds).total.minor == left(known.sale, known.refunds).counts == 0
        for product in "abc":
            mine = [each for each in both if each.product == product]
            assert sum(each.quantity for each in mine) == sum(each.amount.minor for each in mine) == 0
    with pytest.raises(Refusal) as caught:
        take(known)
    assert caught.value.reason == "over_refund" and caught.value.details["left"] == "0.00 EUR"


@given(st.integers(0, 10**6), st.integers(1, 10**8), st.lists(st.integers(1, 10**8), max_size=6))
def test_points_kept_fall_with_what_is_left(earned, total, parts):
    """Never more than the share, never rising as more comes back, and none when all has."""
    known, kept = sold(total=total, units=0), earned
    for part in parts:
        rest = left(known.sale, known.refunds)
        assume(rest.counts)
        known = take(known, amount=min(euros(part), rest.total))
        rest = left(known.sale, known.refunds)
        now_kept = points_kept(earned, known.sale.total, rest)
        assert now_kept <= kept and now_kept * total <= earned * rest.total.minor
        kept = now_kept
    assert kept == 0 or left(known.sale, known.refunds).counts


def test_a_product_that_came_back_brings_its_price_and_category():
    """Unless told otherwise: its share of what was paid; the last one takes the odd cent."""
    known = sold(line(1, "w", 3, 0), total=1000)
    known = Known(sale=known.sale, lines=[SaleLine(
        customer_id="c", sale_id="s", number=1, occurred_at=NOON, product="w", category="Wine", quantity=3, price=euros(334),
        amount=euros(1000),
    )])
    for expected in (-333, -334, -333):
        known = take(known, **lines(back("w", 1)))
        assert (known.returned[-1].amount.minor, known.returned[-1].category) == (expected, "Wine")
    assert left(known.sale, known.refunds).counts == 0


@given(products, st.integers(0, 40_000), st.randoms(use_true_random=False))
def test_lines_come_back_for_their_share_of_what_was_paid(bought, off, chance):
    """One by one, in whatever order: each near its share, never for more than its amount, all for all that was paid."""
    whole = sum(each.amount.minor for each in bought)
    total = max(0, whole - off)
    known, back_again = sold(*bought, total=total), list[SaleLine]()
    pieces = [(each.product, each.price.minor) for each in bought for _ in range(each.quantity)]
    chance.shuffle(pieces)
    for piece in pieces:
        before = left(known.sale, known.refunds).total.minor
        try:
            known = take(known, **lines(back_at(*piece)))
        except Malformed:  # what rounds to nothing and is no unit is no refund
            continue
        paid = before - left(known.sale, known.refunds).total.minor
        [line_] = known.returned[len(back_again):]
        back_again.append(line_)
        assert whole == 0 or abs(paid - Fraction(total * -line_.amount.minor, whole)) < 2
        assert 0 <= paid <= -line_.amount.minor
    rest = left(known.sale, known.refunds)
    assert (rest.total.minor, rest.units, rest.counts) == (0, 0, 0)
    assert sum(each.amount.minor for each in (*known.lines, *known.returned)) == 0


@given(st.integers(0, 10**6), st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_units_alone_come_back_for_their_share(total, parts):
    """Within a cent of it for each refund; the last units bring the rest, and the sale counts no more."""
    known = sold(total=total, units=sum(parts))
    rest = left(known.sale, ())
    for at, part in enumerate(parts, 1):
        before = left(known.sale, known.refunds)
        known = take(known, units=part)
        rest = left(known.sale, known.refunds)
        assert abs(before.total.minor - rest.total.minor - before.total.minor * part / before.units) <= 0.5
        assert rest.units == sum(parts[at:])
    assert (rest.total.minor, rest.counts) == (0, 0)


def test_a_share_is_not_taken_of_what_is_gone():
    """Units when the money is back already, none, and more than there are."""
    known = take(sold(total=1000, units=3), amount=euros(1000), units=1)
    known = take(known, units=2)
    assert (known.refunds[-1].total, known.refunds[-1].units) == (euros(0), -2)
    with pytest.raises(Malformed):
        take(sold(total=1000, units=3), units=0)
    with pytest.raises(Refusal) as caught:
        take(known, units=1)
    assert caught.value.details["left"] == 0


def test_more_of_a_product_than_was_sold_is_refused():
    """By quantity and by amount, also over several refunds and over several lines of one."""
    known = sold(line(1, "a", 2, 500), line(2, "b", 1, 900))
    for told in ([back("a", 3)], [back("a", 1), back("a", 2)], [back("a", 1, 1001)]):
        with pytest.raises(Refusal) as caught:
            take(known, **lines(*told))
        assert caught.value.reason == "over_refund"
    for unsold in (back("x", 1), back("a", 1, 1, "Beer")):
        with pytest.raises(Malformed, match="no line of"):
            take(known, **lines(unsold))
    known = take(known, **lines(back("a", 1)))
    with pytest.raises(Refusal):
        take(known, **lines(back("a", 2)))


def test_a_product_of_two_categories_must_be_told_apart():
    """Nobody can tell which came back."""
    known = sold(line(1, "a", 1, 500), line(2, "a", 1, 500, "Gift"))
    with pytest.raises(Malformed, match="categories"):
        take(known, **lines(back("a", 1)))
    assert take(known, **lines(back("a", 1, category="Gift"))).returned[0].amount == euros(-500)


def test_refunds_follow_one_another():
    """Not before the sale, not told before an earlier refund, nor more than a day ahead; not moved into another's future."""
    known = take(sold(total=1000, units=0), amount=euros(1), now=NOON + DAY)
    for now, expected in ((NOON - DAY, NOON), (NOON, NOON), (NOON + 2 * DAY, NOON + 2 * DAY)):
        assert take(known, amount=euros(1), now=now).refunds[-1].occurred_at == expected
    for at in (NOON - DAY, NOON, NOON + 2 * DAY + SECOND):
        with pytest.raises(Malformed) as caught:
            take(known, amount=euros(1), occurred_at=at, now=NOON + DAY)
        assert caught.value.field == "occurred_at"
    assert take(known, occurred_at=NOON + 2 * DAY, now=NOON + DAY).refunds[-1].occurred_at == NOON + 2 * DAY


def test_what_can_be_no_refund():
    """Nothing, a minus, parts of units, a refund of a refund, of what is below nought."""
    known = sold(total=1000, units=2)
    for bad in ({"amount": euros(0)}, {"amount": euros(-1)}, {"units": -1}, {"units": 1.5}, {"units": True}):
        with pytest.raises(Malformed):
            take(known, **bad)
    taken = take(known, amount=euros(10))
    for other in (Known(sale=taken.refunds[0]), sold(total=-5, units=0)):
        with pytest.raises(Malformed, match="only a sale"):
            take(other)
    with pytest.raises(Refusal) as caught:
        take(known, amount=euros(1), units=3)
    assert caught.value.details == {"sale": "s", "asked": 3, "left": 2}


def test_a_sale_for_nothing_can_be_taken_back_once():
    """By its units, or whole."""
    known = sold(total=0, units=2)
    part = take(known, amount=euros(0), units=1)
    assert left(part.sale, part.refunds).counts == 1
    for whole in (take(known), take(part, amount=euros(0), units=1)):
        assert left(whole.sale, whole.refunds).counts == left(whole.sale, whole.refunds).units == 0
        with pytest.raises(Refusal):
            take(whole)


def test_units_may_follow_when_the_money_is_back():
    """Goods that come later count down the units, never the number of sales twice."""
    known = take(sold(total=1000, units=2), amount=euros(1000), units=1)
    known = take(known, amount=euros(0), units=1)
    assert (left(known.sale, known.refunds).counts, left(known.sale, known.refunds).units) == (0, 0)
    with pytest.raises(Refusal):
        take(known, amount=euros(0), units=1)

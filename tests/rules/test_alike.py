"""The same goods, however a till writes them: paid for and earning alike."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import EarningRule, Sale, SaleLine
from custcrm.records.earning import Earns
from custcrm.rules.benefits import parse, quote_all
from custcrm.rules.earning import earned
from custcrm.rules.sales.shares import Discount, shares
from custcrm.values.money import Money, parse_amount

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRODUCTS = {"Coffee": ("Hot", 333), "Merlot": ("Red", 1_999), "Rioja": ("Red", 700), "Bag": (None, 1), "Leaflet": (None, 0)}


def euros(minor: int) -> Money:
    return Money.from_minor(minor, "EUR")


def read(**told):
    return parse(told, currency="EUR", amount=lambda value, field: parse_amount(value, "EUR", field=field))


BENEFITS = [
    read(product="Coffee"), read(product="Coffee", quantity=2), read(percent="33.3", category="Red"), read(percent=10),
    read(amount="5.01", category="Red"), read(amount="2.50"), read(percent=50, product="Merlot"),
]


def rule(name: str, per: str, **told) -> EarningRule:
    return EarningRule(program="club", name=name, per=Earns(per), starts_at=NOON, created_at=NOON, **{"points": 1, **told})


RULES = [
    rule("all", "money", amount=euros(100)), rule("red", "money", amount=euros(100), category="Red"),
    rule("pieces", "units"), rule("hot pieces", "units", category="Hot"), rule("red visit", "visit", category="Red"),
    rule("double", "multiplier", points=0, factor="2", category="Hot"),
]

Piece = tuple[str, int]
PIECES = st.lists(st.tuples(st.sampled_from(sorted(PRODUCTS)), st.integers(1, 3)), min_size=1, max_size=6)


def lines(told: list[Piece]) -> list[SaleLine]:
    return [
        SaleLine(customer_id="c", sale_id="s", number=number, occurred_at=NOON, product=name, category=PRODUCTS[name][0],
                 quantity=quantity, price=euros(PRODUCTS[name][1]), amount=euros(PRODUCTS[name][1] * quantity))
        for number, (name, quantity) in enumerate(told, 1)
    ]


def by_product(sold: list[SaleLine], found) -> dict[str, int]:
    told = Counter[str]()
    for line, share in zip(sold, found, strict=True):
        told[str(line.product)] += share
    return dict(told)


def points(sold: list[SaleLine], discounts, total: int) -> dict[str, int]:
    sale = Sale(customer_id="c", id="s", occurred_at=NOON, total=euros(total), program="club", recorded_at=NOON,
                units=sum(line.quantity for line in sold))
    return {each.rule: each.points for each in earned(RULES, sale, sold, lambda text: True, discounts)}


@given(PIECES, st.data(), st.lists(st.sampled_from(BENEFITS), max_size=3), st.integers(0, 30))
def test_the_same_goods_on_other_lines_are_paid_and_earn_alike(told, data, benefits, off) -> None:
    """Law: lines parted into lines of fewer pieces cost, bear and earn the same in sum, to the minor unit and point."""
    whole = lines(told)
    apart = []
    for name, quantity in told:
        first = data.draw(st.integers(0, quantity))
        apart += [(name, each) for each in (first, quantity - first) if each]
    split = lines(apart)
    quotes = [quote_all(benefits, each, currency="EUR") for each in (whole, split)]
    assert quotes[0].parts == quotes[1].parts
    total = max(0, sum(each.minor for each in quotes[0].shares) - off)
    discounts = [Discount(part, benefit) for part, benefit in zip(quotes[0].parts, benefits, strict=True)]
    paid = [by_product(sold, shares(sold, discounts, euros(total))) for sold in (whole, split)]
    assert paid[0] == paid[1]
    assert points(whole, discounts, total) == points(split, discounts, total)


def test_a_free_piece_earns_nothing_on_whichever_line() -> None:
    """Of two coffees one is free: one unit was paid for, on one line or on two; points for what is hot are doubled."""
    free = [Discount(euros(333), read(product="Coffee"))]
    for told in ([("Coffee", 2)], [("Coffee", 1), ("Coffee", 1)]):
        assert points(lines(told), free, 333) == {"all": 6, "hot pieces": 2, "pieces": 2}


def test_returned_goods_pay_for_what_is_bought() -> None:
    """Points are for what was paid: goods that came back on the same bill lower it, those of their own category first."""
    def bill(*told: tuple[str, str | None, int, int]) -> dict[str, int]:
        sold = [
            SaleLine(customer_id="c", sale_id="s", number=number, occurred_at=NOON, product=name, category=category,
                     quantity=quantity, price=euros(abs(minor)), amount=euros(minor))
            for number, (name, category, quantity, minor) in enumerate(told, 1)
        ]
        return points(sold, [], sum(minor for *_, minor in told))

    assert bill(("Merlot", "Red", 1, 2_000), ("Riesling", "White", -1, -2_000)) == {}
    assert bill(("Merlot", "Red", 1, 2_000), ("Riesling", "White", -1, -1_000)) == {"all": 10, "red": 10, "red visit": 1}
    assert bill(("Merlot", "Red", 1, 2_000), ("Tea", "Hot", 1, 3_000), ("Rioja", "Red", -1, -2_000)) == {
        "all": 60, "hot pieces": 2, "pieces": 1,
    }
    assert bill(("Merlot", "Red", 2, 2_000), ("Bottle", None, -1, -50)) == {"all": 19, "pieces": 1, "red": 19, "red visit": 1}

"""What was paid for a line, against an independent model, on every store and in currencies of no, two and three decimals.

Orders are drawn with stacked coupons and a discount of the till beside them, refunds by line and by amount in any order, and a
cancel. The model has an arithmetic of its own: exact fractions, rounded where the words of the documentation say so.
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from math import floor
from typing import Any

import pytest
from attrs import define, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import custcrm
from custcrm import Malformed, Money, Refusal

EXAMPLES = {  # of each currency, short and long
    "memory": {False: 60, True: 1_500}, "sqlite": {False: 12, True: 200}, "postgresql": {False: 8, True: 120},
}
UNIT = {"EUR": 100, "JPY": 1, "KWD": 1_000}
WALLET = 10**6
"""Minor units that the friend who pays has at first."""

CATALOGUE = {"A": ("Red", 1_999), "B": ("White", 333), "C": (None, 1), "D": ("Red", 700), "E": ("White", 0)}
"""Products with their categories and prices, in minor units."""

COUPONS: dict[str, tuple[str, dict[str, str], Any]] = {
    "cup": ("quantity", {"product": "B"}, 2), "half D": ("percent", {"product": "D"}, "50"),
    "third red": ("percent", {"category": "Red"}, "33.3"), "tenth": ("percent", {}, "10"),
    "off A": ("amount", {"product": "A"}, 501), "off": ("amount", {}, 250),
}
"""Series: what they give, what they are about, and how much of it."""


@frozen
class Bought:
    product: str
    quantity: int

    @property
    def cost(self) -> int:
        return CATALOGUE[self.product][1] * self.quantity

    def is_about(self, product: str | None = None, category: str | None = None) -> bool:
        return product in (None, self.product) and category in (None, CATALOGUE[self.product][0])


@frozen
class Order:
    """What is drawn: lines, coupons, what the till takes off beside them, what a friend pays, and what comes back."""

    lines: list[Bought]
    coupons: list[str]
    till: Fraction
    friend: Fraction
    back: list[tuple[str, int] | Fraction]
    cancelled: bool


parts = st.fractions(0, 1, max_denominator=7)
orders = st.builds(
    Order,
    st.lists(st.builds(Bought, st.sampled_from(sorted(CATALOGUE)), st.integers(1, 4)), min_size=1, max_size=5),
    st.lists(st.sampled_from(sorted(COUPONS)), max_size=3, unique=True),
    st.just(Fraction()) | parts | st.just(Fraction(1)),
    parts,
    st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE)), st.integers(1, 4)) | parts, max_size=7),
    st.booleans(),
)


# the model ------------------------------------------------------------------------------------------


def half_even(exact: Fraction) -> int:
    return round(exact)


def divided(amount: int, weights: list[int]) -> list[int]:
    """Hand out the whole parts of exact shares, then one more each to those who miss the most, the first of them first."""
    exact = [Fraction(amount * weight, max(1, sum(weights))) for weight in weights]
    given_out = [floor(each) for each in exact]
    missing = amount - sum(given_out) if any(weights) else 0
    for _ in range(missing):
        worst = max(range(len(exact)), key=lambda at: (exact[at] - given_out[at], -at))
        given_out[worst] += 1
    return given_out


def quoted(name: str, lines: list[Bought], left: list[int]) -> list[int]:
    """Return what a coupon takes off each line, of what those before left."""
    kind, about, much = COUPONS[name]
    mine = [rest if each.is_about(**about) else 0 for each, rest in zip(lines, left, strict=True)]
    if kind == "percent":
        return divided(half_even(Fraction(much) * sum(mine) / 100), mine)
    if kind == "amount":
        return divided(min(much, sum(mine)), mine)
    off, pieces = [0] * len(lines), much
    price = [(-Fraction(rest, each.quantity), -each.quantity) for each, rest in zip(lines, mine, strict=True)]
    for at in sorted(range(len(lines)), key=price.__getitem__):
        taken = min(pieces, lines[at].quantity)
        off[at] = half_even(Fraction(mine[at] * taken, lines[at].quantity))
        pieces -= taken
    return off


def in_turn(name: str) -> tuple[int, int, bool]:
    """Return the place of a coupon: by kind, then those about something, by category before product."""
    kind, about, _ = COUPONS[name]
    return ["quantity", "percent", "amount"].index(kind), -len(about), "product" in about


@define
class Model:
    """An order as it goes on: what was paid for each product, what of it came back, and what is left of the money."""

    order: Order
    shares: list[int] = field(factory=list)
    parts: dict[str, int] = field(factory=dict)
    returned: dict[str, int] = field(factory=dict)
    total: int = 0
    left: int = 0
    units: int = 0
    counts: int = 1

    def __attrs_post_init__(self) -> None:
        names = dict.fromkeys(each.product for each in self.order.lines)  # on how many lines goods stand makes no difference
        goods = [Bought(name, self.bought(name)) for name in names]
        left = [each.cost for each in goods]
        for name in sorted(self.order.coupons, key=in_turn):
            off = quoted(name, goods, left)
            self.parts[name] = sum(off)
            left = [rest - each for rest, each in zip(left, off, strict=True)]
        paid = [rest - off for rest, off in zip(left, divided(floor(self.order.till * sum(left)), left), strict=True)]
        self.shares = [0] * len(self.order.lines)
        for each, rest in zip(goods, paid, strict=True):
            places = [at for at, line in enumerate(self.order.lines) if line.product == each.product]
            costs = [self.order.lines[at].cost for at in places]
            for at, cost, part in zip(places, costs, divided(each.cost - rest, costs), strict=True):
                self.shares[at] = cost - part
        self.total = self.left = sum(self.shares)
        self.units = sum(each.quantity for each in self.order.lines)

    def paid(self, product: str) -> int:
        return sum(share for share, each in zip(self.shares, self.order.lines, strict=True) if each.product == product)

    def bought(self, product: str) -> int:
        return sum(each.quantity for each in self.order.lines if each.product == product)

    def there(self, product: str) -> int:
        return self.bought(product) - self.returned.get(product, 0)

    def bring(self, product: str, quantity: int) -> int:
        """Return what so many of a product bring: what was paid for them, as far as that is left."""
        before = self.returned.get(product, 0)
        of = max(1, self.bought(product))
        until = [half_even(Fraction(self.paid(product) * pieces, of)) for pieces in (before, before + quantity)]
        due = until[1] - until[0]
        back, self.returned[product] = min(due, self.left), before + quantity
        self._take(back, quantity)
        return back

    def bring_amount(self, amount: int) -> None:
        """Take back an amount: the last of the money brings all goods."""
        self._take(amount, self.units if amount == self.left else 0)
        if not self.left:
            self.returned = {each.product: self.bought(each.product) for each in self.order.lines}

    def _take(self, amount: int, units: int) -> None:
        all_units = units == self.units
        if amount == self.left and (amount or all_units):
            self.counts = 0
        self.left, self.units = self.left - amount, self.units - units


# both -----------------------------------------------------------------------------------------------


@frozen
class Shop:
    """One store in one currency, with the series of `COUPONS`, rules of categories, and a friend whose wallet pays."""

    crm: custcrm.Crm
    currency: str
    numbers: Iterator[int] = field(factory=count)

    def money(self, minor: int) -> Money:
        return Money.from_minor(minor, self.currency)

    def open(self) -> None:
        crm = self.crm
        crm.programs.add("club")
        crm.accounts.add("wallet", program="club")
        for name, (kind, about, much) in COUPONS.items():
            gives = self.money(much) if kind == "amount" else much
            crm.coupons.add_series(name, program="club", stackable=True, benefit={**about, kind: gives})
        for name in ("Red", "White"):
            crm.earning.add("club", name, category=name)
            crm.earning.add("club", f"pieces of {name}", per="units", category=name)
        crm.earning.add("club", "double", per="multiplier", factor=2, category="White")

    def play(self, order: Order) -> None:
        """Do it in the shop and in the model, and compare after each step."""
        crm, model, number = self.crm, Model(order), f"o-{next(self.numbers)}"
        buyer, friend = crm.customers.add_all([{"first_name": "Anna"}, {"first_name": "Eve"}])
        for each in (buyer, friend):
            crm.programs.join(each, "club")
        goods = [
            {"product": each.product, "category": CATALOGUE[each.product][0], "quantity": each.quantity,
             "price": self.money(CATALOGUE[each.product][1])}
            for each in order.lines
        ]
        coupons = [crm.coupons.issue(buyer, name) for name in order.coupons]
        quote = crm.coupons.quote(coupons, goods)
        assert [each.minor for each in quote.parts] == [model.parts[name] for name in order.coupons]
        for coupon, part in zip(coupons, quote.parts, strict=True):
            crm.coupons.redeem(coupon, reference=number, discount=part)
        sale = crm.sales.record(buyer, self.money(model.total), lines=goods, program="club", external_id=number)
        assert [each.minor for each in crm.sales.details(sale).shares] == model.shares
        self._compare_points(sale, model)
        self._compare_apart(order, goods, sale)
        paid = floor(order.friend * model.total)
        crm.accounts.replenish(friend, "wallet", self.money(WALLET))
        if paid:
            crm.accounts.spend(friend, "wallet", self.money(paid), reference=number)
        for back in order.back:
            self._take_back(sale, model, back)
        if order.cancelled:
            self._cancel(sale, model)
            assert crm.accounts.balance(friend, "wallet").minor == WALLET - paid + min(paid, model.left)
        else:
            self._bring_all(sale, model)

    def _compare_apart(self, order: Order, goods: list[dict[str, Any]], sale) -> None:
        """Sell the same to somebody else, each piece on a line of its own: it costs and earns the same in sum."""
        crm, number = self.crm, f"o-{next(self.numbers)}"
        twin = crm.customers.add(first_name="Ben")
        crm.programs.join(twin, "club")
        coupons = [crm.coupons.issue(twin, name) for name in order.coupons]
        pieces = [{**each, "quantity": 1} for each in goods for _ in range(each["quantity"])]
        for coupon, part in zip(coupons, crm.coupons.quote(coupons, pieces).parts, strict=True):
            crm.coupons.redeem(coupon, reference=number, discount=part)
        apart = crm.sales.record(twin, sale.total, lines=pieces, program="club", external_id=number)
        told: list[Any] = []
        for each, lines in ((sale, goods), (apart, pieces)):
            shares = Counter[str]()
            for line, share in zip(lines, crm.sales.details(each).shares, strict=True):
                shares[line["product"]] += share.minor
            told.append((shares, {entry.rule: entry.delta for entry in crm.earning.of_sale(each)}))
        assert told[0] == told[1]

    def _compare_points(self, sale, model: Model) -> None:
        expected = {}
        for category, factor in (("Red", 1), ("White", 2)):
            paid = sum(model.paid(name) for name, (of, _) in CATALOGUE.items() if of == category)
            expected[category] = floor(Fraction(factor * paid, UNIT[self.currency]))
        found = {each.rule: each.delta for each in self.crm.earning.of_sale(sale) if each.rule in expected}
        assert found == {name: points for name, points in expected.items() if points}

    def _take_back(self, sale, model: Model, back: tuple[str, int] | Fraction) -> None:
        if isinstance(back, tuple):
            product, quantity = back[0], min(back[1], model.there(back[0]))
            if not quantity:
                with pytest.raises((Refusal, Malformed)) as caught:
                    self.crm.sales.refund(sale, lines=[{"product": product}])
                assert isinstance(caught.value, Refusal if model.bought(product) else Malformed)
                return
            done = self.crm.sales.refund(sale, lines=[{"product": product, "quantity": quantity}])
            assert (-done.total.minor, -done.units) == (model.bring(product, quantity), quantity)
            assert self.crm.sales.details(done).shares == (done.total,)
        elif amount := floor(back * model.left):
            self.crm.sales.refund(sale, self.money(amount))
            model.bring_amount(amount)
        assert self.crm.sales.details(sale).left.minor == model.left

    def _cancel(self, sale, model: Model) -> None:
        if not model.counts:
            with pytest.raises(Refusal, match="over_refund"):
                self.crm.sales.cancel(sale)
            assert model.left == 0
            return
        assert -self.crm.sales.cancel(sale).total.minor == model.left
        details = self.crm.sales.details(sale)
        assert (details.left.minor, [each.minor for each in details.shares]) == (0, model.shares)

    def _bring_all(self, sale, model: Model) -> None:
        """Bring the rest of the goods, line by line: then all that was paid is back."""
        for product in sorted(CATALOGUE, reverse=True):
            if rest := model.there(product):
                done = self.crm.sales.refund(sale, lines=[{"product": product, "quantity": rest}])
                assert -done.total.minor == model.bring(product, rest)
        details = self.crm.sales.details(sale)
        assert details.left.minor == model.left == 0
        assert sum(each.total.minor for each in details.refunds) == -model.total
        assert sum(each.units for each in details.refunds) == -sum(each.quantity for each in model.order.lines)


@pytest.mark.parametrize("currency", sorted(UNIT))
@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_what_was_paid_for_lines_is_the_models(request, long, kind, currency) -> None:
    """Quotes, shares, points, refunds in any order and cancels: exact to the minor unit; at the end nothing is left."""
    place = None if kind == "memory" else str(request.getfixturevalue(f"{kind}_store"))
    with custcrm.open(place, currency=currency) as crm:
        shop = Shop(crm, currency)
        shop.open()

        @settings(max_examples=EXAMPLES[kind][long], deadline=None, suppress_health_check=list(HealthCheck))
        @given(orders)
        def play(order: Order) -> None:
            shop.play(order)

        play()
        assert crm.verify()

"""Once for each person: the limit of a series is one for somebody who comes as a customer and as a guest."""

import unicodedata

import pytest

import custcrm
from custcrm.records import GuestRedemption
from tests.crm.test_coupons import reasons, records

EMAIL, PHONE = "Anna.Å@Example.org", "+358 40 123 4567"
LETTERS = ["A", "å", "ö", "é", "ß", "Σ", "ạ̈", "Ж", "Ά", "가"]
"""Letters with a case, with a case of several letters, and of several marks, as keyboards compose them otherwise."""
NUMBERS = [
    ("US", "+1 201 555 0124", "201-555-0124"), ("FR", "+33612345678", "0612345678"), ("SE", "+46701234567", "070/123 45 67"),
]
"""Countries, a number of each, and how it is written there."""
AS_GUEST = [EMAIL, "anna.å@example.ORG", unicodedata.normalize("NFD", EMAIL.upper()), "040 1234567", "+358401234567"]


@pytest.fixture
def anna(crm, people):
    """Return Anna with an address and a number that a guest may give too."""
    return crm.customers.update(people["Anna"], email=EMAIL, phone=PHONE)


def limited(crm, name="once", **terms):
    """Add a series of one coupon for each, and return three free codes, or the shared one."""
    series = crm.coupons.add_series(name, program="club", per_customer=1, **terms)
    return [series.shared_code] * 3 if series.codes == "shared" else list(crm.series.generate(name, 3))


@pytest.mark.parametrize("identity", AS_GUEST)
@pytest.mark.parametrize("codes", ["unique", "shared"])
def test_who_came_as_a_guest_gets_no_second_as_a_customer(crm, anna, codes, identity):
    """By redeeming, or being issued one, alone or among many, and as told beforehand; until the guest's use is taken back."""
    first, second, _ = limited(crm, codes=codes)
    crm.coupons.redeem(first, identity=identity, reference="o-1")
    assert crm.coupons.left("once", customer=anna) == 0
    assert crm.coupons.why(second, customer=anna) == ("customer_limit",)
    assert reasons(crm.coupons.redeem, second, customer=anna) == ("customer_limit",)
    assert reasons(crm.coupons.issue, anna, "once") == ("customer_limit",)
    result = crm.select("programs.club EXISTS").issue_coupons("once").apply(key="all")
    assert result.outcome(anna) == "customer_limit" and crm.coupons.of(anna) == ()
    crm.coupons.restore(reference="o-1")
    crm.coupons.redeem(second, customer=anna)


@pytest.mark.parametrize("further", [False, True])
def test_a_number_as_it_is_dialled_at_home_is_the_customers_whichever_came_first(crm, people, further):
    """The store reads what a guest gives by its own country, the customer's number is one of another."""
    first, second, _ = limited(crm)
    kept = {"country": "SE"} if further else {"country": "SE", "phone": "+46 8 123 456"}
    sven = crm.customers.update(people["Anna"], **kept)
    if further:
        crm.customers.add_contact_point(sven, "phone", "+46 8 123 456")
    crm.coupons.redeem(first, identity="08 123 456")
    assert crm.coupons.left("once", customer=sven) == 0
    assert reasons(crm.coupons.redeem, second, customer=sven) == ("customer_limit",)


@pytest.mark.parametrize("identity", AS_GUEST)
@pytest.mark.parametrize("codes", ["unique", "shared"])
def test_who_came_as_a_customer_gets_no_second_as_a_guest(crm, anna, codes, identity):
    """By the address, the number, or a further one; somebody else's and any other text are another guest's."""
    first, second, third = limited(crm, codes=codes)
    crm.coupons.redeem(first, customer=anna)
    assert crm.coupons.why(second, identity=identity) == ("customer_limit",)
    assert reasons(crm.coupons.redeem, second, identity=identity) == ("customer_limit",)
    crm.customers.add_contact_point(anna, "email", "anna@work.example")
    assert reasons(crm.coupons.redeem, second, identity="ANNA@work.example") == ("customer_limit",)
    crm.customers.update(anna, country="SE", phone="070-123 45 67")
    assert reasons(crm.coupons.redeem, second, identity="0701234567") == ("customer_limit",)
    crm.coupons.redeem(second, identity="ben@example.org")
    crm.coupons.redeem(third, identity="Device 17")
    assert len(records(crm, GuestRedemption)) == 2


def test_a_guest_is_one_however_the_address_is_written(crm, people):
    """Case, composition and the marks of a number are nobody else; what is no address counts letter by letter."""
    codes = limited(crm)
    crm.coupons.redeem(codes[0], identity="Guest@Example.org")
    assert reasons(crm.coupons.redeem, codes[1], identity="guest@example.org") == ("customer_limit",)
    crm.coupons.redeem(codes[1], identity="card AB")
    crm.coupons.redeem(codes[2], identity="card ab")


def test_a_guest_who_becomes_a_customer_has_had_it(crm, people):
    """Also when the address is given to a customer later, as the first one or a further one."""
    for number, give in enumerate(("add", "update", "point")):
        address = f"guest{number}@example.org"
        first, second, third = limited(crm, f"once {number}")
        crm.coupons.redeem(first, identity=address.upper())
        who = crm.customers.add(first_name="G", **({"email": address} if give == "add" else {}))
        crm.programs.join(who, "club")
        if give == "update":
            crm.customers.update(who, email=address)
        if give == "point":
            crm.customers.add_contact_point(who, "email", address)
        assert reasons(crm.coupons.redeem, second, customer=who) == ("customer_limit",)
        crm.coupons.redeem(third, customer=people["Anna"])


def test_what_a_guest_used_of_a_code_is_of_the_coupon_that_it_becomes(crm, anna):
    """A code with several uses, begun as a guest, is one coupon when its customer takes it; and no second one."""
    first, second, _ = limited(crm, per_coupon=3)
    crm.coupons.redeem(first, identity=EMAIL)
    assert crm.coupons.redeem(first, customer=anna).code == first
    assert reasons(crm.coupons.redeem, second, customer=anna) == ("customer_limit",)
    assert crm.coupons.left("once", customer=anna) == 0


def test_a_number_that_several_have_counts_for_each(crm, anna, people):
    """Nobody can tell which of them the guest is; a limit of two leaves each one more."""
    eve = crm.customers.update(people["Eve"], phone=PHONE)
    crm.programs.join(eve, "club")
    crm.coupons.add_series("two", program="club", per_customer=2)
    codes = crm.series.generate("two", 5)
    crm.coupons.redeem(codes[0], identity=PHONE)
    crm.coupons.redeem(codes[1], customer=anna)
    assert reasons(crm.coupons.redeem, codes[2], customer=anna) == ("customer_limit",)
    crm.coupons.redeem(codes[2], customer=eve)
    assert reasons(crm.coupons.redeem, codes[3], identity=PHONE) == ("customer_limit",)


def test_without_a_limit_guests_and_customers_are_not_compared(crm, anna):
    """Nobody asks who anybody is."""
    crm.coupons.add_series("free", program="club")
    codes = crm.series.generate("free", 3)
    crm.coupons.redeem(codes[0], identity=EMAIL)
    crm.coupons.redeem(codes[1], customer=anna)
    assert custcrm.Crm(crm._business).coupons.issue(anna, "free").series == "free"


@pytest.mark.parametrize("first", ["guest", "customer"])
@pytest.mark.parametrize("further", [False, True])
def test_an_address_is_one_persons_whatever_its_letters_and_whoever_comes_first(crm, first, further):
    """Its case and composition say nothing, whether it is the customer's own or a further one; of any script."""
    crm.programs.add("club")
    crm.coupons.add_series("once", program="club", per_customer=1)
    codes = iter(crm.series.generate("once", 100))
    for number, letter in enumerate(LETTERS):
        composed, apart = (unicodedata.normalize(form, f"{letter}-{number}@Example.org") for form in ("NFC", "NFD"))
        for kept, given in ((f"1{apart}", f"1{composed}".upper()), (f"2{composed.upper()}", f"2{apart}".lower())):
            who = _joined(crm, "email", kept, further=further)
            turns = [{"identity": given}, {"customer": who}][:: 1 if first == "guest" else -1]
            crm.coupons.redeem(next(codes), **turns[0])
            assert reasons(crm.coupons.redeem, next(codes), **turns[1]) == ("customer_limit",), (kept, given)


@pytest.mark.parametrize("first", ["guest", "customer"])
@pytest.mark.parametrize("further", [False, True])
@pytest.mark.parametrize("country", ["FI", None])
def test_a_number_is_one_persons_as_it_is_dialled_in_their_country_whoever_comes_first(opened, first, further, country):
    """Whichever way its digits are set apart, and whether the store has a country where it might be another's number."""
    crm = opened(currency="EUR", **({"country": country} if country else {}))
    crm.programs.add("club")
    crm.coupons.add_series("once", program="club", per_customer=1)
    codes = iter(crm.series.generate("once", 100))
    for at, number, dialled in NUMBERS:
        who = _joined(crm, "phone", number, further=further, country=at)
        turns = [{"identity": dialled}, {"customer": who}][:: 1 if first == "guest" else -1]
        crm.coupons.redeem(next(codes), **turns[0])
        assert reasons(crm.coupons.redeem, next(codes), **turns[1]) == ("customer_limit",), (number, dialled)


def _joined(crm, kind, value, *, further, **told):
    """Add a member with an address or number, as the first one or a further one."""
    who = crm.customers.add(first_name="A", **told, **({} if further else {kind: value}))
    crm.programs.join(who, "club")
    if further:
        crm.customers.add_contact_point(who, kind, value)
    return who

"""The life of a series: coupons that are valid later than they are issued, a pause, and the name that people see."""

from datetime import date

import pytest

from custcrm import Malformed, NotFound
from custcrm.records import Coupon
from tests.crm.test_coupons import reasons, records


@pytest.fixture
def anna(people):
    return people["Anna"]


@pytest.mark.parametrize(
    ("told", "begins", "ends"),
    [
        ("14 days", "2026-12-05T10:00+00:00", "2026-12-15T10:00+00:00"),
        ("2026-12-01", "2026-11-30T22:00+00:00", "2026-12-10T22:00+00:00"),
        (date(2026, 12, 1), "2026-11-30T22:00+00:00", "2026-12-10T22:00+00:00"),
        ("2026-12-01T08:00+02:00", "2026-12-01T06:00+00:00", "2026-12-11T06:00+00:00"),
        ("2026-11-01", None, "2026-12-01T10:00+00:00"),
        (None, None, "2026-12-01T10:00+00:00"),
    ],
)
@pytest.mark.parametrize("on", ["series", "issue"])
def test_a_coupon_is_valid_from_when_its_series_or_its_issue_says(crm, anna, clock, told, begins, ends, on):
    """A span after issue, a first good day, an instant; what is valid for a time is so from then, and a code as a coupon."""
    terms = {"valid_from": told} if on == "series" else {"valid_from": "1 day"}
    crm.coupons.add_series("s", program="club", valid="10 days", **(terms if on == "series" or told is not None else {}))
    coupon = crm.coupons.issue(anna, "s", **({"valid_from": told} if on == "issue" else {}))
    [many] = [each for each in _issued(crm, anna, told if on == "issue" else None) if each.id != coupon.id]
    for each in (coupon, many):
        assert (each.valid_from and each.valid_from.isoformat()) == (begins and begins.replace("+00:00", ":00+00:00"))
        assert each.expires_at.isoformat() == ends.replace("+00:00", ":00+00:00")
    if begins is None:
        assert crm.coupons.state(coupon) == "issued"
        return
    assert crm.coupons.state(coupon) == "pending" and crm.coupons.available(anna) == []
    assert crm.coupons.why(coupon) == ("not_yet_valid",) == reasons(crm.coupons.redeem, coupon)
    assert reasons(crm.coupons.reserve, coupon, reference="o-1") == ("not_yet_valid",)
    clock.advance(coupon.valid_from - clock())
    assert crm.coupons.state(coupon) == "issued" and len(crm.coupons.available(anna)) == 2
    assert crm.coupons.redeem(coupon).id == coupon.id
    assert crm.coupons.state(coupon, as_of="2026-11-30") == "pending"


def _issued(crm, anna, told):
    """Issue one more by a plan, and return all that she has."""
    plan = crm.select(f"id = '{anna.id}'").issue_coupons("s", **({} if told is None else {"valid_from": told}))
    assert plan.apply(key="many").applied == 1
    return crm.coupons.of(anna)


def test_codes_and_shared_codes_begin_as_their_series_says(crm, anna, clock):
    """A printed code, for a customer and a guest; a shared one from a fixed day on."""
    crm.coupons.add_series("flyer", program="club", valid_from="1 day", valid="2 days")
    first, second = crm.series.generate("flyer", 2)
    crm.coupons.add_series("june", program="club", codes="shared", shared_code="JUNE", valid_from="2026-11-22")
    for code in (first, second, "JUNE"):
        for whose in ({"customer": anna}, {"identity": "g"}):
            assert reasons(crm.coupons.redeem, code, **whose) == ("not_yet_valid",)
    assert crm.coupons.state(first) == "pending"
    clock.advance("1 day")
    assert crm.coupons.state(first) == "free"
    taken = crm.coupons.redeem(first, customer=anna)
    assert (taken.valid_from, taken.issued_at) == (clock(), clock())
    crm.coupons.redeem(second, identity="g")
    crm.coupons.redeem("JUNE", customer=anna)
    crm.coupons.redeem("JUNE", identity="g")


def test_what_would_never_be_valid_is_not_made(crm, anna, clock):
    """By its terms it is refused at once; where that comes later, the series' time is over."""
    for valid_from in ("2026-12-02", "2026-13-01", "soon", 14):
        with pytest.raises(Malformed):
            crm.coupons.add_series("bad", program="club", valid_from=valid_from, valid="2026-12-01")
    crm.coupons.add_series("s", program="club", valid_from="5 days", valid="2026-12-01")
    with pytest.raises(Malformed):
        crm.coupons.issue(anna, "s", valid_from="2026-12-02")
    clock.advance("7 days")
    assert reasons(crm.coupons.issue, anna, "s") == ("expired",)
    assert reasons(crm.series.generate, "s", 1) == ("expired",)
    assert records(crm, Coupon) == []


def test_a_paused_series_does_nothing_until_it_goes_on(crm, anna, clock):
    """Neither issued, generated, reserved nor redeemed, by anybody; taking back goes on, and so does time."""
    for name, terms in (("s", {"valid": "10 days"}), ("all", {"codes": "shared", "shared_code": "ALL"})):
        crm.coupons.add_series(name, program="club", **terms)
    used, coupon = (crm.coupons.issue(anna, "s") for _ in range(2))
    [code] = crm.series.generate("s", 1)
    crm.coupons.redeem(used, reference="o-1")
    paused = crm.series.pause("s", key="k")
    assert paused.paused_at == clock() and crm.series.pause("s", key="k") == paused == crm.series.pause("s")
    crm.series.pause("all")
    for wanted in (coupon, code, "ALL"):
        for whose in ({"customer": anna}, {"identity": "g"}) if wanted is not coupon else ({},):
            assert "series_paused" in crm.coupons.why(wanted, **whose)
            assert "series_paused" in reasons(crm.coupons.redeem, wanted, **whose)
    assert reasons(crm.coupons.reserve, coupon, reference="o-2") == ("series_paused",)
    assert reasons(crm.coupons.issue, anna, "s") == ("series_paused",) == reasons(crm.series.generate, "s", 1)
    plan = crm.select(f"id = '{anna.id}'").issue_coupons("s")
    assert [problem.reason for problem in plan.problems] == ["series_paused"]
    crm.coupons.restore(used)
    crm.coupons.revoke(used, reason="r")
    assert crm.series.resume("s").paused_at is None
    assert plan.apply(key="later").applied == 1
    crm.coupons.redeem(coupon)
    clock.advance("11 days")
    assert crm.coupons.state(crm.coupons.of(anna)[-1]) == "expired"
    with pytest.raises(NotFound):
        crm.series.pause("none")


def test_a_series_is_renamed_for_people(crm, anna):
    """Title and description change, also by locale; the name by which all else knows it stays."""
    crm.coupons.add_series("s", program="club", title="Five off", description="Any wine", titles={"fi": "Viisi"})
    coupon = crm.coupons.issue(anna, "s")
    changed = crm.series.change("s", title="5 € off", titles={"fi": "5 €", "sv": "5 €"})
    assert (changed.name, changed.title, changed.description) == ("s", "5 € off", "Any wine")
    assert changed.titles == {"fi": "5 €", "sv": "5 €"} and crm.series.change("s", titles=None).titles == {}
    [offer] = crm.offers.of(anna)
    assert offer.title == "5 € off" and crm.coupons.redeem(coupon).series == "s"
    for wrong in ({"title": None}, {"titles": {"fi": 5}}, {"description": "\0"}):
        with pytest.raises(Malformed):
            crm.series.change("s", **wrong)

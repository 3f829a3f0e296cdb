"""Codes as people type them: in any case where that cannot be another code, composed or not; and codes that can be guessed."""

import unicodedata

import pytest

import custcrm
from custcrm import Conflict, Malformed, NotFound
from custcrm.records import GuestRedemption

LOWER = "abcdefghjkmnpqrstuvwxyz23456789"
BOTH = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ"


@pytest.fixture
def anna(people):
    return people["Anna"]


def found(crm: custcrm.Crm, code: str) -> str:
    """Return the series of a code as it is typed, empty where nothing has the code."""
    try:
        return crm.coupons.redeem(code, identity=f"guest of {code}").series
    except NotFound:
        return ""


@pytest.mark.parametrize(("alphabet", "typed"), [(None, str.lower), (None, str.title), (LOWER, str.upper)])
def test_a_drawn_code_is_found_in_any_case_where_its_letters_have_one(crm, anna, alphabet, typed):
    """Free or held, by every verb that takes a code; what is kept is the code as it was drawn."""
    crm.coupons.add_series("flyer", program="club", alphabet=alphabet, per_coupon=3, transferable=True)
    [code] = crm.series.generate("flyer", 1)
    assert found(crm, typed(code)) == "flyer"
    with crm._business.reading() as reader:
        assert {each.code for each in reader.find(GuestRedemption)} == {code}
    assert crm.coupons.state(typed(code)) == "free" and crm.coupons.why(typed(code), customer=anna) == ()
    assert crm.coupons.redeem(typed(code), customer=anna).code == code
    assert len(crm.coupons.redemptions(typed(code))) == 2
    assert crm.offers.open(typed(code), surface="app").coupon.code == code
    assert len(crm.coupons.restore(typed(code))) == 2 and crm.coupons.revoke(typed(code), reason="r").code == code
    [other] = crm.series.generate("flyer", 1)
    assert crm.series.revoke_code(other, key="k").code == crm.series.revoke_code(typed(other), key="k").code == other


def test_where_case_tells_codes_apart_it_counts(crm, people):
    """Codes of letters in both cases, and shared codes, own or drawn; none differs from a drawn one in case alone."""
    crm.coupons.add_series("both", program="club", alphabet=BOTH)
    [code] = crm.series.generate("both", 1)
    assert found(crm, code.swapcase()) == "" and found(crm, code) == "both"
    crm.coupons.add_series("summer", program="club", codes="shared", shared_code="Summer")
    assert (found(crm, "SUMMER"), found(crm, "summer"), found(crm, "Summer")) == ("", "", "summer")
    drawn = crm.coupons.add_series("drawn", program="club", codes="shared", alphabet="ABCDEFGHJKM").shared_code
    assert (found(crm, drawn.lower()), found(crm, drawn)) == ("", "drawn")
    crm.coupons.add_series("upper", program="club", alphabet="ABCDEFGHJKMNPQRSTUVWXYZ")
    [upper] = crm.series.generate("upper", 1)
    with pytest.raises(Conflict):
        crm.coupons.add_series("lower", program="club", codes="shared", shared_code=upper.lower())
    assert found(crm, upper.lower()) == "upper"


@pytest.mark.parametrize("given", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_a_shared_code_is_one_however_it_is_composed(crm, anna, given, typed):
    """Kept composed; what another keyboard makes of it is the same code, at the till and for a second series."""
    code = "KESÄÅ-10"
    made = crm.coupons.add_series("s", program="club", codes="shared", shared_code=unicodedata.normalize(given, code))
    assert made.shared_code == code
    assert found(crm, unicodedata.normalize(typed, code)) == "s"
    assert crm.coupons.redeem(unicodedata.normalize(typed, code), customer=anna).series == "s"
    with pytest.raises(Conflict):
        crm.coupons.add_series("t", program="club", codes="shared", shared_code=unicodedata.normalize(typed, code))


def test_a_code_of_fewer_than_forty_bits_is_made_only_where_that_is_said(crm, people):
    """Twelve digits have 39.9 bits; `guessable=True` makes them, never codes of which a full series has too many."""
    for terms in ({"alphabet": "digits"}, {"code_length": 7}, {"alphabet": "digits", "capacity": 10}):
        with pytest.raises(Malformed, match="guessable=True"):
            crm.coupons.add_series("bad", program="club", **terms)
        assert crm.coupons.add_series(f"s {len(crm.series.list())}", program="club", guessable=True, **terms)
    assert crm.coupons.add_series("thirteen", program="club", alphabet="digits", code_length=13).code_length == 13
    assert crm.coupons.add_series("eight", program="club", code_length=8).code_length == 8
    with pytest.raises(Malformed, match="capacity of at most 100"):
        crm.coupons.add_series("bad", program="club", alphabet="digits", code_length=6, capacity=101, guessable=True)
    with pytest.raises(Malformed):
        crm.coupons.add_series("bad", program="club", guessable="yes")
    shared = crm.coupons.add_series("known to all", program="club", codes="shared", alphabet="digits", code_length=4)
    assert len(shared.shared_code or "") == 4

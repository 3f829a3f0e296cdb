"""A coupon's state and reasons from its own instants and its uses; codes and guests."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption
from custcrm.records.coupons import CouponState
from custcrm.rules import codes
from custcrm.rules import coupons as rules
from custcrm.values.errors import Malformed, Reason, Refusal

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TIMES = st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours))
MAYBE = st.none() | TIMES

SERIES = CouponSeries(name="s", program="club", created_at=NOW)
COUPON = Coupon(customer_id="c", id="1", series="s", code="X", issued_at=NOW)


@st.composite
def coupons(draw):
    reserved_at = draw(MAYBE)
    return evolve(
        COUPON, issued_at=draw(TIMES), valid_from=draw(MAYBE), expires_at=draw(MAYBE), revoked_at=draw(MAYBE),
        reserved_at=reserved_at,
        reserved_until=None if reserved_at is None else reserved_at + timedelta(hours=draw(st.integers(0, 4))),
        reserved_for=draw(st.sampled_from(["o-1", "o-2"])), ordinal=1,
    )


@st.composite
def uses(draw):
    made = draw(TIMES)
    restored = draw(st.none() | st.integers(0, 5).map(lambda hours: made + timedelta(hours=hours)))
    about = {"id": draw(st.uuids()).hex, "series": "s", "program": "club", "redeemed_at": made, "restored_at": restored}
    if draw(st.booleans()):
        return Redemption(customer_id="c", coupon_id="1", **about)
    return GuestRedemption(identity="g", code="X", **about)


USES = st.lists(uses(), max_size=4)
LIMITS = st.integers(1, 3)


@given(coupons(), USES, TIMES, LIMITS)
def test_a_state_is_what_its_facts_say(coupon, made, at, per_coupon):
    """Each state has its condition, and those before it in the order do not hold."""
    stand = sum(use.redeemed_at <= at and not (use.restored_at and use.restored_at <= at) for use in made)
    conditions = {
        CouponState.REVOKED: coupon.revoked_at is not None and coupon.revoked_at <= at,
        CouponState.REDEEMED: stand >= per_coupon,
        CouponState.EXPIRED: coupon.expires_at is not None and coupon.expires_at <= at,
        CouponState.PENDING: coupon.valid_from is not None and at < coupon.valid_from,
        CouponState.RESERVED: coupon.reserved_at is not None and coupon.reserved_at <= at < coupon.reserved_until,
        CouponState.ISSUED: True,
    }
    assert rules.state(coupon, made, at, per_coupon=per_coupon) == next(each for each, holds in conditions.items() if holds)


@given(coupons(), USES, TIMES, LIMITS)
def test_what_can_be_redeemed_is_in_state_issued_and_the_reverse(coupon, made, now, per_coupon):
    """At its present the state and the reasons agree, whatever the clock says; the present is never before a fact."""
    at = rules.present(coupon, made, now)
    series = evolve(SERIES, per_coupon=per_coupon)
    found = rules.refusals(series, coupon, made, at=at, references=(), beside=[])
    assert rules.refusals(evolve(series, paused_at=NOW), coupon, made, at=at, references=(), beside=[]) == {
        *found, Reason.SERIES_PAUSED
    }
    assert (not found) == (rules.state(coupon, made, at, per_coupon=per_coupon) is CouponState.ISSUED)
    assert at >= now and all(use.redeemed_at <= at and (use.restored_at or at) <= at for use in made)
    assert (Reason.REVOKED in found) == (coupon.revoked_at is not None)


@given(coupons(), USES, TIMES, TIMES)
def test_a_released_coupon_is_not_reserved_and_its_past_stays(coupon, made, now, before):
    """From then on; what was true before then is true still."""
    at = rules.present(coupon, made, now)
    free = rules.released(coupon, at)
    assert not rules.is_reserved(free, at)
    if before < at:
        assert rules.is_reserved(free, before) == rules.is_reserved(coupon, before)


@given(coupons(), USES, TIMES, LIMITS)
def test_a_free_code_is_free_where_a_coupon_is_issued(coupon, made, at, per_coupon):
    """Its states are a coupon's, but for the reservation."""
    times = {"valid_from": coupon.valid_from, "expires_at": coupon.expires_at, "revoked_at": coupon.revoked_at}
    code = FreeCode(code="X", series="s", created_at=coupon.issued_at, **times)
    same = rules.state(evolve(coupon, reserved_at=None, reserved_until=None), made, at, per_coupon=per_coupon)
    found = rules.state_of_free(code, made, at, per_coupon=per_coupon)
    assert found == (CouponState.FREE if same is CouponState.ISSUED else same)


@given(coupons(), USES, LIMITS)
def test_revoking_is_for_what_is_not_used_up(coupon, made, per_coupon):
    """Refused with every reason, else the coupon is revoked; used ones keep their place."""
    series = evolve(SERIES, per_coupon=per_coupon)
    at = rules.present(coupon, made, NOW)
    done = rules.revoked(coupon, made, series, at=at, reason="why")
    used_up = len(rules.standing(made)) >= per_coupon
    if isinstance(done, Refusal):
        reasons = {Reason.REVOKED: coupon.revoked_at is not None, Reason.ALREADY_REDEEMED: used_up}
        assert set(done.reasons) == {reason for reason, applies in reasons.items() if applies}
    else:
        assert done.revoked_at == at and done.reason == "why" and not used_up
        assert rules.is_freed(series, made) == (not rules.standing(made))
        assert done.ordinal == (None if rules.is_freed(series, made) else coupon.ordinal)
        assert not rules.is_freed(evolve(series, revoke_frees=False), made)


@given(st.sets(st.sampled_from(rules.PRECEDENCE), min_size=1))
def test_reasons_are_told_in_one_order(reasons):
    assert rules.refusal(reasons, series="s").reasons == tuple(each for each in rules.PRECEDENCE if each in reasons)


@given(st.lists(st.sampled_from("ABC"), max_size=8), LIMITS, LIMITS, st.sampled_from(["unique", "shared"]))
def test_a_guest_gets_what_a_customer_would(wanted, per_customer, per_coupon, sharing):
    """Asking for codes one after another, never more coupons than the limit, nor more uses of each than a coupon has."""
    series = evolve(SERIES, codes=sharing, per_customer=per_customer, per_coupon=per_coupon)
    mine: list[GuestRedemption] = []
    for number, letter in enumerate(wanted):
        code = "S" if sharing == "shared" else letter
        another = rules.guest_needs_another(series, mine, code)
        before = rules.guest_coupons(series, mine)
        used_up = sharing == "unique" and sum(use.code == code for use in mine) >= per_coupon
        if (another and before >= per_customer) or used_up:
            continue
        ordinal = rules.guest_ordinal(series, mine)
        assert ordinal not in {use.ordinal for use in mine}
        mine.append(GuestRedemption(
            id=str(number), series="s", program="club", identity="g", ordinal=ordinal, code=code, redeemed_at=NOW,
        ))
        assert rules.guest_coupons(series, mine) == before + another
    assert rules.guest_coupons(series, mine) <= per_customer and len(mine) <= per_customer * per_coupon
    assert all(count <= (per_coupon if sharing == "unique" else per_coupon * per_customer) for count in Counter(
        use.code for use in mine
    ).values())
    assert rules.guest_ordinal(evolve(series, per_customer=None), mine) is None


@given(st.text(max_size=20), st.text(max_size=20))
def test_guests_are_told_apart_by_their_identity_and_the_key(one, other):
    """Byte for byte; another key is another hash; the identity is not in it."""
    try:
        hashed = rules.guest(one, "00ff")
    except UnicodeEncodeError:
        return
    assert len(hashed) == 64 and hashed == rules.guest(one, "00ff") != rules.guest(one, "00fe")
    if one != other and other.isascii():
        assert hashed != rules.guest(other, "00ff")


ALPHABETS = st.sampled_from(["AB", codes.DIGITS, codes.ALPHABET, "ABCDEFGHJKM"])


@given(st.integers(0, 2**64), ALPHABETS, st.integers(4, 20), st.integers(0, 12))
def test_codes_are_different_and_of_their_alphabet(seed, alphabet, length, count):
    """As many as asked for, each of its length, whatever the random bits are."""
    from random import Random

    found = codes.drawn(Random(seed).getrandbits, alphabet, length, count)
    assert len(set(found)) == len(found) == count
    assert all(len(code) == length and set(code) <= set(alphabet) for code in found)


@pytest.mark.parametrize("alphabet", ["AB", codes.DIGITS, "ABC"])
def test_every_code_is_equally_likely(alphabet):
    """Each number of a small space gives its own code, the same number of times; no bit is asked for and left out."""
    size = len(alphabet) ** 4
    bits = iter(range(size * 3))
    found = Counter(codes.drawn(lambda count: next(bits) % 2**count, alphabet, 4, 1)[0] for _ in range(size * 3))
    assert len(found) == size and set(found.values()) == {3}


def test_spaces_at_their_limits():
    """Ten thousand codes for each coupon, a thousand million without a capacity."""
    codes.check_space(codes.DIGITS, 9, None)
    codes.check_space(codes.DIGITS, 9, 10**5)
    for length, capacity in ((8, None), (9, 10**5 + 1)):
        with pytest.raises(Malformed) as caught:
            codes.check_space(codes.DIGITS, length, capacity)
        assert caught.value.field == "code_length"

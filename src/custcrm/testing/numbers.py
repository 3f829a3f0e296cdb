"""Hypothesis strategies for phone numbers, from the numbering plans of all regions. The name to know is `phone_numbers`."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

import phonenumbers
from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from phonenumbers import PhoneMetadata

from custcrm.values.places import COUNTRIES

REGIONS = tuple(sorted(COUNTRIES & phonenumbers.SUPPORTED_REGIONS))
"""The countries that have phone numbers."""

_KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan")


@frozen(repr=False)
class DrawnNumber:
    """A number of a region: as networks know it, and as people write it there and elsewhere."""

    region: str
    e164: str
    national: str
    international: str

    def __repr__(self) -> str:
        return f"DrawnNumber({self.region!r}, {self.e164!r})"


def phone_numbers(regions: Collection[str] = REGIONS) -> SearchStrategy[DrawnNumber]:
    """Draw a valid number of one of the regions (ISO 3166 codes), of any kind: a mobile, a fixed line, a free one …

    A number whose local spelling is dialled as another one, such as one that begins like an international call, is left out.
    """
    return st.sampled_from(sorted(regions)).flatmap(_of_region)


@cache
def _of_region(region: str) -> SearchStrategy[DrawnNumber]:
    plan = PhoneMetadata.metadata_for_region(region)
    assert plan is not None
    kinds = [getattr(plan, kind) for kind in _KINDS]
    patterns = sorted({kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern})
    digits = st.one_of([st.from_regex(re.compile(each, re.ASCII), fullmatch=True) for each in patterns])
    return digits.map(lambda each: phonenumbers.parse(f"+{plan.country_code}{each}")).filter(
        phonenumbers.is_valid_number
    ).map(lambda number: _drawn(region, number)).filter(_is_itself_at_home)


def _is_itself_at_home(drawn: DrawnNumber) -> bool:
    try:
        dialled = phonenumbers.parse(drawn.national, drawn.region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.format_number(dialled, phonenumbers.PhoneNumberFormat.E164) == drawn.e164


def _drawn(region: str, number: phonenumbers.PhoneNumber) -> DrawnNumber:
    form = phonenumbers.PhoneNumberFormat
    return DrawnNumber(region, *(
        phonenumbers.format_number(number, each) for each in (form.E164, form.NATIONAL, form.INTERNATIONAL)
    ))

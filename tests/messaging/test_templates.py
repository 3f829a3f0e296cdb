"""Templates: what a text with tags becomes, and what it can never reach."""

import contextlib
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custcrm import records
from custcrm.messaging import templates
from custcrm.messaging.templates import NAMES, TextTemplate, action_values, customer_values, text_or_default
from custcrm.records.customers import Customer, CustomerKind
from custcrm.records.declaration import declaration
from custcrm.records.messages import Message
from custcrm.values.errors import Malformed, Reason, Refusal
from custcrm.values.money import Money
from custcrm.values.texts import is_blank

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
STARRED = re.compile(r"\*\|\w+\|\*")


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


stored = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
plain = stored.filter(lambda text: not STARRED.search(text))
words = stored.map(lambda text: re.sub(r"[{}]", "", text))
present = stored.filter(lambda text: not is_blank(text))
names = st.sampled_from(NAMES)
values_of = st.dictionaries(names, st.none() | stored)
tags = st.one_of(
    names.map(lambda name: f"{{{name}}}"), st.builds("{{{}|{}}}".format, names, words), names.map("*|{}|*".format)
)
sources = st.lists(plain.map(_escaped) | tags, max_size=6).map("".join)


def _customer(**fields: Any) -> Customer:
    return Customer(id="c1", signed_up_at=NOW, created_at=NOW, **fields)


def _message(**fields: Any) -> Message:
    return Message(customer_id="c1", id="m1", channel="sms", purpose="service", text="", planned_at=NOW, **fields)


@given(text=plain)
def test_a_text_without_tags_is_sent_as_it_is(text):
    """Braces written twice are braces; every other character of a text stands for itself."""
    template = TextTemplate.parse(_escaped(text), ())
    assert (template.render({}), template.names) == (text, frozenset())


@given(name=names, value=present)
def test_a_value_stands_exactly_as_it_is(name, value):
    """Whatever a value holds, tags and format fields included, is shown and never read again."""
    template = TextTemplate.parse(f"<{{{name}}}|{{{name}|no}}|*|{name}|*>", NAMES)
    assert template.render({name: value}) == f"<{value}|{value}|{value}>"


@given(name=names, fallback=words, missing=st.sampled_from([None, "", " ", "\n\t"]))
def test_the_fallback_stands_in_for_a_missing_or_blank_value(name, fallback, missing):
    """Words after the bar are shown, as they are, to whoever lacks the value; there may be none."""
    template = TextTemplate.parse(f"Hi {{{name}|{fallback}}}!", NAMES)
    assert template.render({name: missing}) == template.render({}) == f"Hi {fallback}!"
    assert (template.names, template.required) == ({name}, frozenset())


@given(source=sources, values=values_of)
@example(source="{first_name}", values={"first_name": " "})
@example(source="{first_name}", values={"first_name": ""})
def test_a_text_is_rendered_exactly_when_nothing_is_missing(source, values):
    """`render` refuses if and only if a required name has no value or a blank one, and names the first of those."""
    template = TextTemplate.parse(source, NAMES)
    missing = template.missing(values)
    assert set(missing) == {name for name in template.required if is_blank(values.get(name))}
    assert template.required <= template.names
    if not missing:
        assert isinstance(template.render(values), str)
        return
    with pytest.raises(Refusal) as caught:
        template.render(values)
    assert (caught.value.reason, caught.value.details) == (Reason.MISSING_VALUE, {"field": missing[0]})


@given(text=stored | st.text("{}|*name .[]!:_", max_size=30))
def test_any_text_is_a_template_or_malformed(text):
    """Nothing else comes of reading a text."""
    with contextlib.suppress(Malformed):
        assert TextTemplate.parse(text, NAMES).text == text


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("Hi {nmae|friend}", ("name",)),
        ("Hi *|nmae|*", ("name",)),
        ("Hi {NAME}", ("name",)),
        ("Your {balanse}", ("balance",)),
        ("{weather}", ()),
        ("{name.__class__}", ()),
        ("{name!r}", ("name",)),
        ("{name:>10}", ()),
        ("{0}", ()),
        ("{}", ()),
        ("{|friend}", ()),
    ],
)
def test_an_unknown_name_is_refused_with_near_ones(text, suggestions):
    """A tag has a known name, exactly so; attributes, conversions and formats are no part of it."""
    with pytest.raises(Malformed) as caught:
        TextTemplate.parse(text, NAMES)
    assert caught.value.suggestions == suggestions


@pytest.mark.parametrize("text", ["{", "}", "Hi {name", "Hi name}", "{name|a{code}}", "{{name}", "{name|fri}}end}"])
def test_a_brace_that_belongs_to_no_tag_is_refused(text):
    """Half a tag would reach every customer as it stands, so it is found before."""
    with pytest.raises(Malformed, match="write two for one"):
        TextTemplate.parse(text, NAMES)


def test_both_spellings_of_a_tag_are_one():
    """`*|profile_link|*` means what `{profile_link}` means; what is missing is listed once, in order."""
    template = TextTemplate.parse("*|profile_link|* {name|you} { profile_link } {name}", NAMES)
    assert template.names == template.required == {"profile_link", "name"}
    assert template.missing({}) == ("profile_link", "name")
    assert template.render({"profile_link": "https://x", "name": "Anna"}) == "https://x Anna https://x Anna"


def test_braces_can_stand_beside_a_tag():
    """`{{` and `}}` are read from the left: three braces are one and a tag."""
    assert TextTemplate.parse("{{{name}}} {{name}}", NAMES).render({"name": "Anna"}) == "{Anna} {name}"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"first_name": "Anna", "last_name": "Virtanen"}, "Anna Virtanen"),
        ({"first_name": "Anna"}, "Anna"),
        ({"first_name": "Anna", "company_name": "Wines Ltd"}, "Anna"),
        ({"company_name": "Wines Ltd"}, "Wines Ltd"),
        ({"kind": CustomerKind.COMPANY, "company_name": "Wines Ltd", "first_name": "Anna"}, "Wines Ltd"),
        ({"kind": CustomerKind.COMPANY, "first_name": "Anna", "last_name": "V."}, "Anna V."),
    ],
)
def test_name_is_the_full_name_or_the_companys(fields, name):
    """A customer with any name has a `name`."""
    assert customer_values(_customer(**fields))["name"] == name


def test_who_has_no_name_lacks_it():
    """Without any name, `name` is missing."""
    template = TextTemplate.parse("Hi {name}", NAMES)
    assert template.missing(customer_values(_customer(email="a@example.org"))) == ("name",)


@given(points=st.integers(), balance=st.integers() | st.none())
def test_the_deeds_values_are_digits(points, balance):
    """Points and balance, 0 too, are shown as whole numbers without grouping; what a message has not is missing."""
    shown = action_values(_message(points=points, balance=balance))
    expected = {"points": str(points), "balance": None if balance is None else str(balance), "code": None}
    assert shown == {**expected, "amount": str(points)}     # so many units, of an account that holds no money


@given(amount=st.integers(-10**12, 10**12), balance=st.integers(-10**12, 10**12) | st.none())
def test_an_amount_of_money_has_its_currency(amount, balance):
    """The amount and the balance after it are money of one currency, in major units."""
    money = Money.from_minor(amount, "EUR")
    shown = action_values(_message(amount=money, balance=balance))
    expected = None if balance is None else str(Money.from_minor(balance, "EUR"))
    assert (shown["amount"], shown["balance"], shown["points"]) == (str(money), expected, None)


def test_nothing_internal_can_be_reached():
    """No name is a column marked INTERNAL in any record, and customers and deeds give values for the names only."""
    internal = {
        column.name for record in records.RECORDS for column in declaration(record).columns if column.internal
    }
    assert internal
    assert internal.isdisjoint(NAMES)
    assert {*customer_values(_customer()), *action_values(_message()), templates.PROFILE_LINK} == set(NAMES)


def test_a_templates_repr_hides_its_text():
    """A text may have been written about one person."""
    assert "Anna" not in repr(TextTemplate.parse("Dear Anna {name}", NAMES))


@pytest.mark.feature("V28")
@given(blank=st.none() | st.text(" \t\n\u00a0\u3000"), given_text=present)
def test_a_blank_text_is_the_default_text(blank, given_text):
    """Missing or white space only: the default; with one real character: the text as it was given."""
    assert text_or_default(blank, templates.POINTS_CREDITED) == templates.POINTS_CREDITED
    assert text_or_default(given_text, templates.POINTS_CREDITED) == given_text


@given(points=st.integers(0), balance=st.integers(), code=st.text("ABCDEFGH23456789-", min_size=1))
def test_default_texts_are_verbatim_but_for_their_slots(points, balance, code):
    """Slots are filled in order, and every other character is that of the product pages."""
    values = action_values(_message(points=points, balance=balance, code=code))
    credited = TextTemplate.parse(templates.POINTS_CREDITED, templates.DEED_NAMES).render(values)
    issued = TextTemplate.parse(templates.COUPON_ISSUED, templates.DEED_NAMES).render(values)
    replenished = TextTemplate.parse(templates.ACCOUNT_REPLENISHED_AS_POINTS, templates.DEED_NAMES).render(values)
    assert credited == replenished == f"You have been charged {points} bonus points, balance {balance}"
    assert issued == f"You have been credited coupon{code}"


def test_default_texts_are_those_of_the_product_pages():
    """Character for character."""
    assert templates.DEFAULT_POINTS_CREDITED == "You have been charged _ bonus points, balance _"
    assert templates.DEFAULT_COUPON_ISSUED == "You have been credited coupon_"

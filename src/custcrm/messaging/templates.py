"""Templates: texts with tags that each recipient's values replace. The name to know is `TextTemplate`.

    Hi {name}, …              the value; whoever lacks it gets no message
    Hi {name|friend}, …       the value, or these words, which may be none
    *|profile_link|*          another spelling of {profile_link}
    {{ and }}                 a brace itself

They are data, never code. A tag is looked up in a table of names and nothing else: no attribute, format or expression
is reached, and what a value holds is text, even where it looks like a tag. `*|` word `|*` cannot be plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import field, frozen

from custcrm.records.customers import Customer
from custcrm.records.messages import Message
from custcrm.values.errors import Malformed, Reason, Refusal
from custcrm.values.money import Money
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked, is_blank

Values: TypeAlias = Mapping[str, str | None]
"""The value of each name; None, blank or not there: missing."""


# what a tag may name --------------------------------------------------------------------------------


def _name(customer: Customer) -> str | None:
    """Return the full name; for a person without one the company's, and the other way round."""
    person = " ".join(name for name in (customer.first_name, customer.last_name) if name)
    return customer.full_name or customer.company_name or person


_OF_CUSTOMER: Final[Mapping[str, Callable[[Customer], str | None]]] = MappingProxyType({
    "name": _name,
    "first_name": lambda customer: customer.first_name,
    "last_name": lambda customer: customer.last_name,
    "company_name": lambda customer: customer.company_name,
    "email": lambda customer: customer.email,
    "phone": lambda customer: customer.phone,
    "card_number": lambda customer: customer.card_number,
})

def _balance(message: Message) -> Money | int | None:
    """Return the balance: beside an amount of money it is money too, in minor units of the same currency."""
    if message.amount is None or message.balance is None:
        return message.balance
    return Money.from_minor(message.balance, message.amount.currency)


_OF_DEED: Final[Mapping[str, Callable[[Message], Money | int | str | None]]] = MappingProxyType({
    "points": lambda message: message.points,
    "balance": _balance,
    "code": lambda message: message.code,
    "amount": lambda message: message.points if message.amount is None else message.amount,
})

PROFILE_LINK: Final = "profile_link"
"""The customer's own link to review and update the profile: made by whoever signs it, so no field of the customer."""

CUSTOMER_NAMES: Final = (*_OF_CUSTOMER, PROFILE_LINK)
"""Names of what is the customer's own, filled when the message is dispatched."""

DEED_NAMES: Final = tuple(_OF_DEED)
"""Names of what belongs to the action, fixed when it is applied: columns of Message."""

NAMES: Final = (*CUSTOMER_NAMES, *DEED_NAMES)


def customer_values(customer: Customer) -> Values:
    """Return what the customer's own names show, but for the profile link."""
    return {name: value(customer) for name, value in _OF_CUSTOMER.items()}


def action_values(message: Message) -> Values:
    """Return what the names of the action show: whole numbers in digits, money with its currency, the code as it is."""
    values = {name: value(message) for name, value in _OF_DEED.items()}
    return {name: None if value is None else str(value) for name, value in values.items()}


# a text with tags -----------------------------------------------------------------------------------


@frozen
class Slot:
    """A tag: the name whose value stands there, and the words for whoever lacks it."""

    name: str
    fallback: str | None = None


@frozen
class TextTemplate:
    """A text that has been read.

        template = TextTemplate.parse("Hi {name|friend}")
        template.render({"name": "Anna"})   # "Hi Anna"

    Make it with `parse`, look at `names` and `required`, then `render`.
    """

    text: str = field(repr=False)
    _pieces: tuple[str | Slot, ...] = field(repr=False, eq=False)

    @classmethod
    def parse(cls, text: str, known: Collection[str] = NAMES) -> TextTemplate:
        """Read a text whose tags may have the `known` names.

        Raises `Malformed` for another name, with near ones as suggestions, and for a brace that belongs to no tag.
        """
        return cls(checked(text, field="text"), _pieces(text, known))

    @property
    def names(self) -> frozenset[str]:
        """The names that the text has tags for."""
        return frozenset(slot.name for slot in self._slots)

    @property
    def required(self) -> frozenset[str]:
        """The names that some tag has no fallback for."""
        return frozenset(slot.name for slot in self._slots if slot.fallback is None)

    def missing(self, values: Values) -> tuple[str, ...]:
        """Return the required names that have no value, each once, in the order of the text."""
        required = (slot.name for slot in self._slots if slot.fallback is None)
        return tuple(dict.fromkeys(name for name in required if is_blank(values.get(name))))

    def render(self, values: Values) -> str:
        """Return the text with the values in it, each exactly as it is.

        Raises `Refusal` (missing_value, with the first missing name as `field`) where a required one has none.
        """
        for name in self.missing(values):
            raise Refusal(Reason.MISSING_VALUE, details={"field": name})
        return "".join(piece if isinstance(piece, str) else _fill_slot(piece, values) for piece in self._pieces)

    @property
    def _slots(self) -> tuple[Slot, ...]:
        return tuple(piece for piece in self._pieces if isinstance(piece, Slot))


# default texts --------------------------------------------------------------------------------------


DEFAULT_POINTS_CREDITED: Final = "You have been charged _ bonus points, balance _"
"""Sent for credited points where no text is given: the points, and the balance after them."""

DEFAULT_COUPON_ISSUED: Final = "You have been credited coupon_"
"""Sent for an issued coupon where no text is given; the slot, with no space before it, is the code."""


ACCOUNT_REPLENISHED: Final = "{amount} has been paid into your account, its balance is {balance}"
"""A text for what is paid into an account: the default one, which the product pages use for accounts too, speaks of points."""


def with_tags(text: str, *names: str) -> str:
    """Return a default text as a template: each of its slots, written `_`, is the tag of the next name."""
    first, *others = text.split("_")
    return first + "".join(f"{{{name}}}{rest}" for name, rest in zip(names, others, strict=True))


POINTS_CREDITED: Final = with_tags(DEFAULT_POINTS_CREDITED, "points", "balance")
COUPON_ISSUED: Final = with_tags(DEFAULT_COUPON_ISSUED, "code")
ACCOUNT_REPLENISHED_AS_POINTS: Final = with_tags(DEFAULT_POINTS_CREDITED, "amount", "balance")
"""What is sent for an account where no text is given: that of points, with the amount in their place."""


def text_or_default(text: str | None, default: str) -> str:
    """Return the text as it was given, or the default where it is missing or blank."""
    return default if text is None or is_blank(checked(text, field="text")) else text


# reading --------------------------------------------------------------------------------------------

_TAG = re.compile(
    r"(?P<brace>\{\{|\}\})"
    r"|\{(?P<name>[^{}|]*)(?:\|(?P<fallback>[^{}]*))?\}"
    r"|\*\|(?P<starred>\w+)\|\*"
    r"|(?P<stray>[{}])"
)


def _pieces(text: str, known: Collection[str]) -> tuple[str | Slot, ...]:
    pieces: list[str | Slot] = []
    end = 0
    for tag in _TAG.finditer(text):
        pieces += (text[end : tag.start()], _piece(tag, known))
        end = tag.end()
    pieces.append(text[end:])
    return tuple(piece for piece in pieces if piece != "")


def _piece(tag: re.Match[str], known: Collection[str]) -> str | Slot:
    if tag["brace"]:
        return tag["brace"][0]
    if tag["stray"]:
        raise Malformed(
            f"a brace (character {tag.start() + 1} of text) belongs to no tag like {{name}}; write two for one",
            field="text",
        )
    name = (tag["starred"] or tag["name"]).strip()
    if name not in known:
        raise _unknown(name, known)
    return Slot(name, tag["fallback"])


def _unknown(name: str, known: Collection[str]) -> Malformed:
    near = (name.lower(),) if name.lower() in known else nearest(name.lower(), known)
    spelled = f"text has a tag for {name!r}" if name.isidentifier() else "text has a tag whose name is no word"
    allowed = ", ".join(known)
    return Malformed(f"{spelled}; known are {allowed}", field="text", suggestions=near)


def _fill_slot(slot: Slot, values: Values) -> str:
    value = values.get(slot.name)
    if value is None or is_blank(value):
        return slot.fallback or ""
    return value

"""An action with its arguments, ready for planning, for a bulk apply or for a single customer.

It holds data: who may (`verdict`), what is written (`effects`, made when the instant and the apply are known), what it
costs each customer, and what it draws on as a whole (`reserve`). It decides nothing by itself. What a filter cannot say, such
as which lots a spend uses, is a `Booking`: an effect that asks a pure rule, customer by customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from attrs import Factory, field, frozen

from custcrm.business import Business
from custcrm.storage.effects import Effect
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import Reason, Refusal
from custcrm.values.money import Money


@frozen(kw_only=True)
class Cost:
    """What a plan costs: points to be owed, coupons, SMS parts, and money where prices are known."""

    points: int = 0
    coupons: int = 0
    sms_parts: int = 0
    money: Money | None = None


@frozen
class Problem:
    """Why a plan cannot be applied as it stands; `details` are names and numbers."""

    reason: Reason
    details: Mapping[str, Any] = field(hash=False)


@frozen(kw_only=True)
class Occasion:
    """What is known when an action is done: the instant of its freeze, the id of its apply, and who does it.

    `done_at` is when the batch is done that the customer is in: what replaces something else happens then.
    """

    now: datetime
    done_at: datetime = field(default=Factory(lambda self: self.now, takes_self=True))
    applied_id: str
    actor: str


@frozen
class Turn:
    """A customer whose turn it is, and the number of the target: 1 in a single call."""

    customer_id: str
    number: int = 1


@frozen(kw_only=True)
class Booked:
    """What a booking comes to: records to add, records that take the place of those with their keys, and who is refused."""

    added: Sequence[Any] = ()
    replaced: Sequence[Any] = ()
    refused: Mapping[str, Refusal] = field(factory=dict, hash=False)


@frozen
class Booking:
    """An effect that cannot be written for all at once: what is written for a customer depends on the customer's own records.

    A spend of 10 points takes 4 from Anna's lot of May and 6 from that of June, and refuses Ben, who spent his since the apply
    began. `book` gets customers by turns, who are held meanwhile: it reads what it needs for all of them together, asks a pure
    rule for each, and returns what to write, of the classes `records`, and who is refused.

    A booking stands before the effects that the refused shall not have: what is written before it stays written.
    """

    records: tuple[type, ...]
    book: Callable[[Writer, Occasion, Sequence[Turn]], Booked]


Doing: TypeAlias = Effect | Booking


@frozen(kw_only=True)
class Reserve:
    """What all targets draw on: a record with a counter. `left` is None when unlimited; `partial` takes what there is."""

    record: type
    key: tuple[Any, ...]
    left: Callable[[Reader], int | None]
    partial: bool = False

    def take(self, writer: Writer, count: int) -> None:
        """Take so many, or none: Refusal with series_capacity where fewer are left."""
        if not writer.reserve(self.record, self.key, count):
            raise Refusal(Reason.SERIES_CAPACITY, details=self.shortage(count, self.left(writer)))

    def shortage(self, needed: int, left: int | None) -> Mapping[str, Any]:
        """Return what is told where fewer are left than are needed."""
        return {"series": self.key[0], "needed": needed, "left": left}


def _none(_: datetime) -> tuple[Problem, ...]:
    return ()


@frozen(kw_only=True, eq=False)
class Action:
    """See the module. `arguments` are as given (spans stay relative): their JSON is part of the content that a key names.

    `about` is what its rules are about, which a refusal tells: the program, the series and its limit, the account, the tag.

    `foreseen` are rules that a plan and a freeze go by, and that a booking has the last word on. `holds`: the customers are
    held though nothing of theirs is changed, so that what a template's own rules do not find is not there.
    """

    name: str
    title: str
    arguments: Mapping[str, Any]
    verdict: Verdict
    effects: Callable[[Occasion], Sequence[Doing]]
    about: Mapping[str, Any] = field(factory=dict)
    foreseen: Verdict = Verdict()
    holds: bool = False
    cost: Callable[[Business, Question, int], Cost] = field(default=lambda business, question, eligible: Cost())
    reserve: Reserve | None = None
    problems: Callable[[datetime], Sequence[Problem]] = field(default=_none)
    stage: Callable[[int], Mapping[str, Sequence[str]]] = field(default=lambda count: {})
    preview: Callable[[Business, str], str] | None = None
    moves: Callable[[Business, Question], Mapping[str, int]] = field(default=lambda business, question: {})

    @property
    def planned(self) -> Verdict:
        """The rules that say who is eligible as far as can be told beforehand."""
        return Verdict((*self.verdict.rules, *self.foreseen.rules))

"""Selections: which customers, as a value. Asking changes nothing; the bulk verbs give a Plan.

A Selection is a filter, the instant it is asked at (or none: now, each time anew) and the scope its numbers are shown in.
Sets of people are filters too: `|`, `&` and `-` combine selections with selections, customers and ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NoReturn

from attrs import evolve, field, frozen

from custcrm.actions import accounts
from custcrm.actions.accounts import Number
from custcrm.actions.action import Action
from custcrm.actions.coupons import issuing as coupons
from custcrm.actions.customers import memberships, tags, tiers
from custcrm.actions.messages import inbox, messages
from custcrm.actions.plan import PlanOf
from custcrm.actions.points.points import adjusting, crediting, spending
from custcrm.business import Business, CustomerRef, among, common_time, customer_id
from custcrm.filters import Filter
from custcrm.filters.syntax import nodes as s
from custcrm.filters.tools.explanation import Explanation
from custcrm.liability import Liability, liability
from custcrm.records import Customer, Program
from custcrm.records.programs import Access
from custcrm.scope import Scope, check_places
from custcrm.storage.customer_facts import explain
from custcrm.storage.questions import Question
from custcrm.values.errors import Malformed
from custcrm.values.shapes import whole_number
from custcrm.values.texts import checked
from custcrm.view import View
from custcrm.waterfall import Waterfall, waterfall

PAGE: Final = 1_000
"""Customers read at a time while iterating: one short statement each, whatever the size of the selection."""

DEFAULT_COLUMNS: Final = ("id", "sales_count", "sales_total", "average_check")
"""What is shown when no columns are asked for: the id and metrics, nothing personal."""


@frozen
class Page:
    """Some customers of a selection in id order, without who is deleted meanwhile; `after` continues, None after the last."""

    customers: tuple[Customer, ...]
    after: str | None


class Plan(PlanOf["Selection"]):
    """What an action would do to a selection. Nothing has been written; `apply` does it once under a key.

    `eligible` and `skipped` count customers, `customers()` gives them; `problems` stop the whole. `moves` tells of an action
    that puts customers into classes how many go to each.
    """

    @classmethod
    def of(cls, business: Business, deed: Action, selection: Selection) -> Plan:
        """Evaluate the selection and the action's rules in one pass."""
        return cls._counted(business, deed, selection)


@frozen(eq=False, repr=False)
class Selection:
    """The customers that a filter gives. Made by `crm.select`, `search`, and by combining others."""

    _business: Business
    filter: Filter
    as_of: datetime | None = None
    scope: Scope = field(factory=Scope)

    # asking -------------------------------------------------------------------------------------

    def count(self) -> int:
        """Count the customers."""
        with self._business.reading() as reader:
            return reader.count(self._question())

    def ids(self) -> list[str]:
        """Return the ids of the customers, in id order."""
        with self._business.reading() as reader:
            return reader.ids(self._question())

    def __iter__(self) -> Iterator[Customer]:
        """Yield the customers in id order, read page by page."""
        return self._business.store.confine(self._each())

    def _each(self) -> Iterator[Customer]:
        after: str | None = None
        question = self._question()
        while True:
            page = self._page(question, after, PAGE)
            yield from page.customers
            if page.after is None:
                return
            after = page.after

    def __contains__(self, customer: object) -> bool:
        if not isinstance(customer, Customer | str):
            return False
        with self._business.reading() as reader:
            return reader.count(self._question(self._current & self._among([customer]))) == 1

    def page(self, *, after: str | None = None, limit: int = 100) -> Page:
        """Return up to `limit` customers that come after the id `after`."""
        whole_number(limit, 1, None, field="limit", message="a page holds a whole number of customers, at least one")
        if after is not None:
            checked(after, field="after")
        return self._page(self._question(), after, limit)

    def explain(self, customer: CustomerRef) -> Explanation:
        """Tell whether the customer is selected, and why: each condition with its value, and which ones decide."""
        question = self._question()
        with self._business.reading() as reader:
            return explain(reader, question, customer_id(customer))

    def waterfall(self) -> Waterfall:
        """Tell how many customers remain after each condition that AND joins, in the author's order."""
        return waterfall(self._business, self.filter, self.as_of)

    def view(
        self, columns: Sequence[str] | Mapping[str, str] = DEFAULT_COLUMNS, *, sort: Sequence[str] = ()
    ) -> View:
        """Return a table with a row for each customer: any values of the language as columns, in any order.

        `columns` are values, or title → value. `sort` keys are values followed by ASC or DESC and NULLS FIRST or LAST; missing
        values come last unless said otherwise, equal ones in id order.

            crm.select("sales_count > 0").view(["email", "sales_total"], sort=["sales_total DESC"])
        """
        return View.of(self._business, self._question, columns, sort, self.scope.dimensions)

    def points_liability(self, program: str) -> Liability:
        """Return the points that the program owes to these customers, their debts, and when what is owed lapses."""
        program = self._business.known(Program, program, "program").name
        return liability(self._business, self._question(), program)

    def freeze(self) -> Selection:
        """Return a selection of exactly these customers, whoever meets the filter later; it is asked now, without as_of."""
        return evolve(self, filter=self._among(self.ids()), as_of=None)

    # sets ---------------------------------------------------------------------------------------

    def __or__(self, other: Selection | CustomerRef | Iterable[CustomerRef]) -> Selection:
        return self._combine(self._current | self._filter_of(other), other)

    def __and__(self, other: Selection | CustomerRef | Iterable[CustomerRef]) -> Selection:
        return self._combine(self._current & self._filter_of(other), other)

    def __sub__(self, other: Selection | CustomerRef | Iterable[CustomerRef]) -> Selection:
        return self._combine(self._current & ~self._filter_of(other), other)

    def narrowed(self, by: Filter) -> Selection:
        """Return those of the customers whom another filter gives as well."""
        return evolve(self, filter=self._current & self._business.adopt(by))

    # acting -------------------------------------------------------------------------------------

    def join(self, program: str, *, access: Access | str | None = None) -> Plan:
        """Plan to make the customers members of a program."""
        return self._plan(memberships.joining(self._business, program, access))

    def set_access(self, program: str, access: Access | str, *, reason: str = "") -> Plan:
        """Plan to change what the members may do in a program: full, limited, none or blacklisted."""
        return self._plan(memberships.access_change(self._business, program, access, reason))

    def set_category(self, program: str, category: str, *, reason: str = "") -> Plan:
        """Plan to move the members to a category of a program."""
        return self._plan(memberships.category_change(self._business, program, category, reason))

    def reclassify(self, program: str, *, reason: str = "") -> Plan:
        """Plan to give each member the category that the rules of the program's tiers say; `plan.moves` tells how many."""
        return self._plan(tiers.reclassifying(self._business, program, reason))

    def credit_points(
        self, program: str, points: int, *, expires: Any = None, valid_from: Any = None, terminal: str | None = None,
        text: str = "", notify: bool = True, reference: str | None = None,
    ) -> Plan:
        """Plan to credit points to each customer: one lot, with `expires` and `valid_from` as `crm.points.credit` has them."""
        return self._plan(crediting(
            self._business, program, points, expires=expires, valid_from=valid_from, terminal=terminal, text=text,
            notify=notify, reference=reference,
        ))

    def spend_points(
        self,
        program: str,
        points: int,
        *,
        terminal: str | None = None,
        offer: str | None = None,
        reference: str | None = None,
    ) -> Plan:
        """Plan to spend points of each customer; who has fewer when it is applied is refused then, and counted so."""
        return self._plan(
            spending(self._business, program, points, terminal=terminal, offer=offer, reference=reference)
        )

    def adjust_points(self, program: str, points: int, *, reason: str, expires: Any = None) -> Plan:
        """Plan to add points to each customer by hand, or to take some away (less than 0); the reason is kept."""
        return self._plan(adjusting(self._business, program, points, reason=reason, expires=expires))

    def replenish(
        self, account: str, amount: Number, *, terminal: str | None = None, text: str = "", notify: bool = True
    ) -> Plan:
        """Plan to pay into an account of each customer: money in major units, else whole units."""
        return self._plan(
            accounts.replenishing(self._business, account, amount, terminal=terminal, text=text, notify=notify)
        )

    def spend_account(self, account: str, amount: Number, *, terminal: str | None = None, reference: str | None = None) -> Plan:
        """Plan to take from an account of each customer; who has less when it is applied is refused then, and counted so."""
        return self._plan(accounts.spending(self._business, account, amount, terminal=terminal, reference=reference))

    def issue_coupons(
        self, series: str, *, valid_from: Any = None, allow_partial: bool = False, text: str = "", notify: bool = True
    ) -> Plan:
        """Plan to issue each a coupon; refused whole where too few are left, unless the first by id may (`allow_partial`)."""
        told: Any = {"allow_partial": allow_partial, "text": text, "notify": notify, "valid_from": valid_from}
        return self._plan(coupons.issuing(self._business, series, **told))

    def revoke_coupons(self, series: str, *, reason: str) -> Plan:
        """Plan to take back what each customer holds of a series and has not used up; it is no redemption."""
        return self._plan(coupons.revoking_all(self._business, series, reason=reason))

    def send_message(self, text: str, *, channel: str, sender: str | None = None, purpose: str = "marketing") -> Plan:
        """Plan to send a text to each customer; `{name}` and `{name|friend}` are filled in when it is sent."""
        return self._plan(messages.sending(self._business, text, channel=channel, sender=sender, purpose=purpose))

    def send_to_inbox(
        self,
        title: str,
        *,
        short_description: str = "",
        text: str = "",
        distributed: datetime | date | str | None = None,
        ends: Any = None,
        channel: str | None = None,
        notice: str = "",
        sender: str | None = None,
        purpose: str = "marketing",
    ) -> Plan:
        """Plan to put a message into each customer's inbox; see `crm.inbox.add`.

        With a `channel`, a message tells of it there to those who may be contacted; the others find it in their inbox.
        """
        return self._plan(inbox.distributing(
            self._business, title, short_description=short_description, text=text, distributed=distributed, ends=ends,
            channel=channel, notice=notice, sender=sender, purpose=purpose,
        ))

    def tag(self, key: str, value: str | None = None, *, until: Any = None) -> Plan:
        """Plan to set a tag on each customer: a label, or a key with a value."""
        return self._plan(tags.tagging(self._business, key, value, until=until))

    def untag(self, key: str) -> Plan:
        """Plan to take a tag off each customer who has it."""
        return self._plan(tags.untagging(self._business, key))

    def _plan(self, action: Action) -> Plan:
        return Plan.of(self._business, action, self)

    # inside -------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        asked = "everyone" if self.filter.node == s.TRUE else repr(self.filter).removeprefix("<Filter ").removesuffix(">")
        return f"<Selection {asked}{f' as of {self.as_of.isoformat()}' if self.as_of else ''}>"

    def __bool__(self) -> NoReturn:
        raise TypeError("A selection has no truth value. Use count() for how many, or `customer in selection`.")

    def __len__(self) -> NoReturn:
        raise TypeError("A selection has no length. Use count(), which asks the store.")

    def acting(self) -> Selection:
        """Return whom an action is about: `as_of` chooses the customers, what each of them may is asked now."""
        chosen = evolve(self, filter=self._current)
        return chosen if self.as_of is None else chosen.freeze()

    def is_of(self, business: Business) -> bool:
        """Tell whether the selection is of the same store."""
        return self._business.store is business.store

    def question(self) -> Question:
        """Return what a store is asked, at as_of or now."""
        return self._question()

    def _question(self, asked: Filter | None = None) -> Question:
        return self._business.question(self.filter if asked is None else asked, self.as_of)

    def _page(self, question: Question, after: str | None, limit: int) -> Page:
        with self._business.reading() as reader:
            ids = reader.ids(question, after=after, limit=limit + 1)
            found = {each.id: each for each in reader.find(Customer, {"id": ids[:limit]})}
        return Page(tuple(found[each] for each in ids[:limit] if each in found), ids[limit - 1] if len(ids) > limit else None)

    @property
    def _current(self) -> Filter:
        """The filter over the schema as it is now: programs may have been added since."""
        return self._business.adopt(self.filter)

    def _combine(self, asked: Filter, other: object) -> Selection:
        """Combine two questions, to be asked at their time; columns keep a scope that both had."""
        if not isinstance(other, Selection):
            return evolve(self, filter=asked)
        scope = self.scope if other.scope == self.scope else Scope()
        when = common_time((self.filter, self.as_of), (other.filter, other.as_of))
        return Selection(self._business, asked, when, scope)

    def _filter_of(self, other: Selection | CustomerRef | Iterable[CustomerRef]) -> Filter:
        if not isinstance(other, Selection):
            return self._among([other] if isinstance(other, Customer | str) else other)
        if not other.is_of(self._business):
            raise Malformed("the selections are of different stores")
        return self._business.adopt(other.filter)

    def _among(self, customers: Iterable[CustomerRef]) -> Filter:
        return among(self._current, customers)


def select(
    business: Business,
    asked: str | Filter | None,
    values: Mapping[str, Any] | None = None,
    *,
    scope: Scope | None = None,
    as_of: Any = None,
) -> Selection:
    """Return the selection that a filter gives; None is everyone, an empty text is an error."""
    if not isinstance(asked, str | Filter | None):
        raise Malformed(f"a filter is a text or a Filter, not {type(asked).__name__}", field="filter")
    parsed = business.adopt(asked) if isinstance(asked, Filter) else business.parse("TRUE" if asked is None else asked, values)
    if not isinstance(scope, Scope | None):
        raise Malformed(f"a scope is what custcrm.at(…) gives, not {type(scope).__name__}", field="scope")
    scope = scope or Scope()
    check_places(business, scope)
    if scope.dimensions:
        parsed = parsed.scoped(**scope.dimensions)
    return Selection(business, parsed, business.asked_at(as_of), scope)

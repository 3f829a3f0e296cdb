"""The facade: one small class per noun; this file only wires them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from custcrm.actions.keys import idempotency_key
from custcrm.actions.progress import Progress
from custcrm.business import Business
from custcrm.crm.asking.reports import Reports
from custcrm.crm.asking.segments import Activities, Segments
from custcrm.crm.loyalty.accounts import Accounts
from custcrm.crm.loyalty.coupons import Coupons
from custcrm.crm.loyalty.earning import Earning
from custcrm.crm.loyalty.points import Points
from custcrm.crm.loyalty.sales import Sales
from custcrm.crm.loyalty.series import Series
from custcrm.crm.messages.inbox import Inbox, Offers
from custcrm.crm.messages.messages import Consents, Messages, Outbox, Senders
from custcrm.crm.people.categories import Categories
from custcrm.crm.people.customers import Customers
from custcrm.crm.people.programs import PointsOfSale, Programs, Terminals
from custcrm.crm.people.tags import Tags
from custcrm.filters import Filter, Schema
from custcrm.records import Applied
from custcrm.scope import Scope
from custcrm.selection import Selection, select

if TYPE_CHECKING:
    from custcrm.verifying import Verification


class Crm:
    """One customer base. Made by `custcrm.open`; shared by all threads.

    Each call is its own transaction; `with crm.transaction():` joins several. `crm.select(…)` asks, the parts change:
    `customers`, `tags`, `programs`, `categories`, `points_of_sale`, `terminals`, `sales`, `points`, `earning`, `accounts`,
    `coupons`, `series`, `consents`, `senders`, `messages`, `outbox`, `inbox`, `offers`, `activities`, `segments`, `reports`.
    """

    def __init__(self, business: Business) -> None:
        self._business = business
        self.customers = Customers(business)
        self.tags = Tags(business)
        self.programs = Programs(business)
        self.categories = Categories(business)
        self.points_of_sale = PointsOfSale(business)
        self.terminals = Terminals(business)
        self.sales = Sales(business)
        self.points = Points(business)
        self.earning = Earning(business)
        self.accounts = Accounts(business)
        self.coupons = Coupons(business)
        self.series = Series(business)
        self.consents = Consents(business)
        self.senders = Senders(business)
        self.messages = Messages(business)
        self.outbox = Outbox(business)
        self.inbox = Inbox(business)
        self.offers = Offers(business)
        self.activities = Activities(business)
        self.segments = Segments(business)
        self.reports = Reports(business)

    @property
    def currency(self) -> str:
        """The currency of all amounts, by ISO 4217."""
        return self._business.currency

    @property
    def timezone(self) -> tzinfo:
        """The business time zone: whose days, months and birthdays count."""
        return self._business.zone

    @property
    def schema(self) -> Schema:
        """The words that filters may use here."""
        return self._business.schema

    def select(
        self,
        filter: str | Filter | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        scope: Scope | None = None,
        as_of: datetime | date | str | None = None,
    ) -> Selection:
        """Ask for customers: a filter with values beside it, within a scope, at a time; None is everyone.

        A day as `as_of` is asked about when it is over.

        crm.select("sales_total > :least AND NOT tags.VIP EXISTS", {"least": 500})
        """
        return select(self._business, filter, values, scope=scope, as_of=as_of)

    def applied(self, key: str) -> Applied | None:
        """Return what became of a key: what was done under it, by whom, when, and how far it is; None where it was never used.

        done = crm.applied("spring-2026")
        done and (done.action, done.done, done.eligible, done.is_finished)
        """
        name = idempotency_key(key)
        with self._business.reading() as reader:
            return reader.get(Applied, name)

    def verify(self, *, channels: Iterable[str] = (), progress: Progress = False) -> Verification:
        """Check the store against its promises: counters, lots, references, keys and more. Nothing is written.

        What comes of it is true where nothing was found; else its `findings` say which promise is broken, by which records and
        what to do. Others may write meanwhile. `channels` are names of the app's own channels beside those that the store was
        opened with, such as one that is used no more. `progress` is True for a bar, or is called with (customers done, all).
        Conflict inside a transaction.
        """
        from custcrm.verifying import verify

        return verify(self._business, progress, channels)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Join several calls into one transaction: all of them stand, or none. Inside another, joins it.

        It belongs to the thread and the asyncio task that began it. Whoever else calls within it, and whoever leaves it
        elsewhere, gets MisusedTransaction, and so does its owner: nothing of it is kept, and everybody's next call works.
        """
        with self._business.store.write():
            yield

    def acting_as(self, actor: str, *, program: str | None = None, terminal: str | None = None) -> Crm:
        """Return a second, cheap face of the same store for somebody else; it leaves this one as it is."""
        return Crm(self._business.acting_as(actor, program, terminal))

    def close(self) -> None:
        """Let go of the store; closing again does nothing, use after it raises Closed."""
        self._business.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Crm {self._business.store.describe()} {self.currency}>"

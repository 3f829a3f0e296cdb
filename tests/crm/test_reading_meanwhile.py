"""What is read while others delete: whoever is gone is left out, and nothing else is said of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import custcrm
from custcrm.storage.memory import MemoryStore
from custcrm.storage.sql import open_store


class Meanwhile:
    """A store in which something happens after one of the statements of a read(): the one of that number, counted from 0."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.at = self.asked = 0
        self.happens: Callable[[], object] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self._store.read() as reader:
            yield reader if self._store.is_writing() else _Watched(reader, self.next)

    def next(self) -> None:
        at, self.asked = self.asked, self.asked + 1
        if at == self.at and self.happens is not None:
            happens, self.happens = self.happens, None
            happens()


class _Watched:
    def __init__(self, reader: Any, then: Callable[[], None]) -> None:
        self._reader, self._then = reader, then

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._reader, name)

        def ask(*about: Any, **more: Any) -> Any:
            found = method(*about, **more)
            self._then()
            return self._each(found) if isinstance(found, Iterator) else found

        return ask if callable(method) else method

    def _each(self, found: Iterator[Any]) -> Iterator[Any]:
        yield from found
        self._then()


PHONE = "+358401234567"
VIEWED = ["first_name", "programs.club.access", "programs.club.points"]

READS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "select": lambda crm, _one, _all: [each.id for each in crm.select()],
    "page": lambda crm, _one, _all: [each.id for each in crm.select().page(limit=1_000).customers],
    "some": lambda crm, _one, _all: [each.id for each in crm.select("programs.club.access = 'full' AND tags.vip EXISTS")],
    "search": lambda crm, _one, _all: [each.id for each in crm.customers.search(first_name="Gone")],
    "view": lambda crm, _one, _all: [row["id"] for row in crm.select().view(["id", *VIEWED])],
    "contains": lambda crm, one, _all: one in crm.select(),
    "explain": lambda crm, one, _all: crm.select("tags.vip EXISTS AND programs.club.points = 0").explain(one),
    "waterfall": lambda crm, _one, _all: crm.select("first_name = 'Gone' AND tags.vip EXISTS").waterfall(),
    "freeze": lambda crm, _one, _all: crm.select().freeze().ids(),
    "liability": lambda crm, _one, _all: crm.select("tags.vip EXISTS").points_liability("club"),
    "plan": lambda crm, _one, _all: [each.id for each in crm.select().tag("seen").customers()],
    "plan of coupons": lambda crm, _one, _all: [each.id for each in crm.select().issue_coupons("coffee").customers()],
    "plan of texts": lambda crm, one, _all: crm.select().send_message("Hi", channel="sms", purpose="service").preview(one),
    "reclassify": lambda crm, _one, _all: crm.select().reclassify("club").moves,
    "get": lambda crm, one, _all: crm.customers.get(one),
    "find by email": lambda crm, _one, all_: crm.customers.find_by_email(all_[0].email),
    "find by external id": lambda crm, _one, all_: crm.customers.find_by_external_id("till", all_[0].first_name),
    "caller": lambda crm, _one, _all: crm.customers.identify_caller(PHONE),
    "tags": lambda crm, one, _all: crm.tags.of(one),
    "membership": lambda crm, one, _all: crm.programs.membership(one, "club"),
    "memberships": lambda crm, one, _all: crm.programs.history(one, "club"),
    "points": lambda crm, one, _all: crm.points.available(one, "club"),
    "points to expire": lambda crm, one, _all: crm.points.expiring(one, "club", within="30 days"),
    "entries": lambda crm, one, _all: crm.points.history(one, "club"),
    "proof": lambda crm, one, _all: crm.points.prove(one, "club"),
    "accounts": lambda crm, one, _all: crm.accounts.of(one),
    "account": lambda crm, one, _all: crm.accounts.available(one, "cash"),
    "statement": lambda crm, one, _all: crm.accounts.statement(one, "cash"),
    "coupons": lambda crm, one, _all: crm.coupons.of(one),
    "coupons to use": lambda crm, one, _all: crm.coupons.available(one),
    "inbox": lambda crm, one, _all: crm.inbox.of(one),
    "offers": lambda crm, one, _all: crm.offers.available(one),
    "messages": lambda crm, one, _all: crm.messages.of(one),
    "log": lambda crm, _one, _all: list(crm.reports.transaction_log()),
    "sales": lambda crm, one, _all: crm.sales.of(one),
    "texts": lambda crm, _one, _all: crm.select().send_message("Hi {first_name}", channel="sms", purpose="service"),
    "balances": lambda crm, _one, _all: str(crm.reports.point_balances("club")),
}

EVERYBODY = {READS[name] for name in ("select", "page", "search", "view", "freeze", "plan")}
"""Reads that find whoever is there and is named Gone."""


@pytest.fixture
def shop(where, is_verified):
    """Open a store for which it can be said what happens meanwhile, and a second face of the same."""
    store = MemoryStore() if where is None else open_store(where)
    meanwhile = Meanwhile(store)
    crm, other = (custcrm.open(each, currency="EUR", country="FI") for each in (meanwhile, store))
    other.programs.add("club", categories=["Gold"])
    other.accounts.add("cash", program="club")
    other.coupons.add_series("coffee", program="club")
    yield meanwhile, crm, other
    assert not is_verified or other.verify(), str(other.verify())
    store.close()


def _add(crm, number: int) -> list[custcrm.Customer]:
    """Add three customers who can be deleted, with something of everything that goes with them."""
    made = []
    for place in range(3):
        about = {"first_name": "Gone", "email": f"{number}.{place}@example.org", "phone": PHONE}
        made.append(crm.customers.add(**about))
        crm.programs.join(made[-1], "club")
        crm.tags.set(made[-1], "vip")
    return made


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_who_is_deleted_between_two_statements_of_a_read_is_left_out(shop, read):
    """Whatever is read, and at whichever of its statements somebody is deleted: it answers, or says so in an error of ours."""
    meanwhile, crm, other = shop
    crm.select("programs.club EXISTS")  # from now on the words of filters are known, and no moment is that of learning them
    for at in range(100):
        gone = _add(other, at)
        [stays] = other.customers.add_all([{"first_name": "Gone"}])
        meanwhile.at, meanwhile.asked = at, 0
        meanwhile.happens = lambda gone=gone: [other.customers.delete(each) for each in gone]
        try:
            found = read(crm, gone[1], gone)
        except custcrm.CrmError:
            found = None
        except Exception as error:  # noqa: BLE001 (whatever it is, it is none of ours)
            pytest.fail(f"deleted after statement {at}: {error!r}", pytrace=False)
        if read in EVERYBODY:
            assert stays.id in found
        if meanwhile.happens is not None:
            break
    assert 0 < at < 99  # all of its moments were tried

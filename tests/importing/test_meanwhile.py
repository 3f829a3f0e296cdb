"""What others commit while an import is on its way stands: the import waits for them and reads again."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

import custcrm
from custcrm import Crm
from custcrm.records import Consent, Customer, TagAssignment

PATIENCE = 0.5
"""Seconds in which an import surely comes to wait for the transaction that is open."""

ROW = "email,first_name,consents.email,tags.level\na@example.org,Anna,yes,gold\n"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest):
    place = None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))
    with custcrm.open(place, country="FI") as crm:
        yield crm


def kept(crm: Crm, record: type, **where: object) -> list:
    with crm._business.store.read() as reader:
        return list(reader.find(record, where))


DEEDS: dict[str, tuple[Callable[[Crm, str], object], Callable[[Crm, str], object], object]] = {
    "a phone": (
        lambda crm, anna: crm.customers.update(anna, phone="+358401234567"),
        lambda crm, anna: crm.customers.get(anna).phone, "+358401234567",
    ),
    "a deactivation": (
        lambda crm, anna: crm.customers.deactivate(anna), lambda crm, anna: crm.customers.get(anna).status, "inactive",
    ),
    "an opt-out": (
        lambda crm, anna: crm.consents.deny(anna, "email", evidence="link"),
        lambda crm, anna: [each.granted for each in kept(crm, Consent, customer_id=anna, until=None)], [False],
    ),
    "a tag": (
        lambda crm, anna: crm.tags.set(anna, "level", "silver"),
        lambda crm, anna: [each.value for each in kept(crm, TagAssignment, customer_id=anna, until=None)], ["gold"],
    ),
    "another email": (
        lambda crm, anna: crm.customers.update(anna, email="b@example.org", card_number="7"),
        lambda crm, anna: crm.customers.get(anna).email, "b@example.org",
    ),
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_committed_while_an_import_waits_stands(shop: Crm, file, deed: str) -> None:
    """Fields that the file does not tell, a no, and what there can be one of: all as the other transaction left them."""
    do, look, wanted = DEEDS[deed]
    anna = shop.customers.add(email="a@example.org").id
    path, failed = file(ROW), []

    def load() -> None:
        try:
            shop.customers.import_csv(path)
        except custcrm.CrmError as error:
            failed.append(error)

    with shop._business.store.write() as writer:
        writer.hold(Customer, anna)
        do(shop, anna)
        other = threading.Thread(target=load)
        other.start()
        other.join(PATIENCE)
    other.join()
    assert (look(shop, anna), failed) == (wanted, [])
    assert len(kept(shop, Customer, email="a@example.org")) == 1


def test_nobody_waits_for_an_import_who_means_another_address(postgresql_store: str, file) -> None:
    """An import of hundreds that waits in the midst of its transaction keeps those waiting who tell of one of its addresses."""
    header, people = "email,card_number", [f"n{number}@example.org,{number}" for number in range(300)]
    path, done = file("\n".join([header, *people])), []

    def add(email: str) -> None:
        try:
            shop.customers.add(email=email)
        except custcrm.EmailTaken:
            done.append("taken")
        else:
            done.append("added")

    with custcrm.open(postgresql_store) as shop, ThreadPoolExecutor(3) as pool:
        anna = shop.customers.add(email="n7@example.org").id
        with shop._business.store.write() as writer:
            writer.hold(Customer, anna)
            load = pool.submit(shop.customers.import_csv, path)
            time.sleep(PATIENCE)
            same, other = (pool.submit(add, email) for email in ("n8@example.org", "other@example.org"))
            wait([other], PATIENCE)
            assert (load.done(), same.done(), done) == (False, False, ["added"])
        assert load.result().counts == {"added": 299, "updated": 1}
        same.result()
    assert done == ["added", "taken"]

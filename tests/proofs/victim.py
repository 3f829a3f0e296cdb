"""What is killed: a process that applies bulk deeds in small batches, and can be told to wait at a boundary."""

import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import custcrm
from custcrm.testing import RecordingChannel
from tests.batches import in_batches

BATCH = 6
PEOPLE = 30
CAPACITY = 100
CREDITED, SPENT = 10, 12
PAID_IN, PAID = 5, 3
Results = dict[str, custcrm.Result]


def opened(address: str | None) -> custcrm.Crm:
    return in_batches(custcrm.open(address, channels={"sms": RecordingChannel()}), BATCH)


def prepare(crm: custcrm.Crm) -> None:
    """Add people of whom some are no members, some blacklisted, some without a consent; all others get everything."""
    crm.programs.add("club", notifications="sms")
    crm.coupons.add_series("back", program="club", capacity=CAPACITY, per_customer=1, valid="30 days")
    crm.accounts.add("wallet", program="club")
    with crm.transaction():
        rows = [{"first_name": f"N{n}", "phone": f"+3584012340{n:02}"} for n in range(PEOPLE)]
        for number, customer in enumerate(crm.customers.add_all(rows)):
            if number % 5:
                crm.programs.join(customer, "club", access="blacklisted" if number % 7 == 0 else "full")
                if number % 7:  # lots of several ages: those that expire are spent first
                    crm.points.credit(customer, "club", 3 + number % 4, expires=f"{30 - number} days", notify=False)
            if number % 3:
                crm.consents.grant(customer, "sms", evidence="form")


def plans(crm: custcrm.Crm) -> dict[str, Callable[[], custcrm.Plan]]:
    everyone = crm.select
    return {
        "credit": lambda: everyone().credit_points("club", CREDITED, notify=False),
        "coupons": lambda: everyone().issue_coupons("back"),
        "spend": lambda: everyone("programs.club.access = 'full'").spend_points("club", SPENT),
        "replenish": lambda: everyone().replenish("wallet", PAID_IN, notify=False),
        "pay": lambda: everyone().spend_account("wallet", PAID),
        "messages": lambda: everyone("programs.club EXISTS").send_message("Hello {name|friend}", channel="sms"),
    }


def apply_all(crm: custcrm.Crm, progress: Callable[[int, int], None] | bool = False) -> Results:
    return {key: plan().apply(key=key, progress=progress) for key, plan in plans(crm).items()}


def live(address: str, wait_at: int | None, parent: Connection) -> None:
    """Apply everything and tell the results; or wait at the boundary of that number, to be killed there."""
    seen = 0

    def boundary(done: int, total: int) -> None:
        nonlocal seen
        seen += done < total
        if seen == wait_at and done < total:
            parent.send("waiting")
            time.sleep(600)

    with opened(address) as crm:
        parent.send("begun")
        results = apply_all(crm, boundary)
    parent.send({key: (result.applied, dict(result.skipped)) for key, result in results.items()})

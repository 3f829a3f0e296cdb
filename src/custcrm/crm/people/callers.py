"""What is read of one customer at a glance: tags as they stand, and whoever is calling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import field, frozen

from custcrm.records import Activity, Customer, TagAssignment, Task
from custcrm.records.declaration import is_in_force
from custcrm.storage.protocol import Reader


@frozen
class CallerMatch:
    """Somebody who may be calling: the customer, tags, the last call and the open tasks."""

    customer: Customer
    tags: Mapping[str, str | None] = field(hash=False)
    last_call: Activity | None
    open_tasks: tuple[Task, ...]


def tags_of(reader: Reader, customer_id: str, at: datetime) -> dict[str, str | None]:
    """Return the tags that hold at an instant, in the order they were set."""
    found = [
        each
        for each in reader.find(TagAssignment, {"customer_id": customer_id})
        if is_in_force(each, at)
    ]
    return {each.key: each.value for each in sorted(found, key=lambda each: (each.since, each.id))}


def caller_matches(reader: Reader, ids: Sequence[str], at: datetime) -> tuple[CallerMatch, ...]:
    """Return what to show when these customers may be calling."""
    return tuple(
        CallerMatch(customer, tags_of(reader, customer.id, at), _last_call(reader, customer.id), _open(reader, customer.id))
        for customer in reader.find(Customer, {"id": list(ids)})
    )


def _last_call(reader: Reader, customer_id: str) -> Activity | None:
    calls = reader.find(Activity, {"customer_id": customer_id, "kind": "phone_call"})
    return max(calls, key=lambda call: (call.occurred_at, call.id), default=None)


def _open(reader: Reader, customer_id: str) -> tuple[Task, ...]:
    tasks = reader.find(Task, {"customer_id": customer_id})
    return tuple(task for task in tasks if task.done_at is None and task.cancelled_at is None)

"""`crm.segments` and `crm.activities`: named filters, and what happened without a record of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from attrs import field, frozen

from custcrm.actions.keys import Request, once
from custcrm.business import Business, CustomerRef
from custcrm.filters import Filter
from custcrm.filters.syntax.nodes import Segment as SegmentNode
from custcrm.records import Activity, PointOfSale, SavedSegment
from custcrm.records.activities import CallStatus, JobStatus
from custcrm.storage.protocol import Writer
from custcrm.values.identifiers import key_name
from custcrm.values.shapes import one_of
from custcrm.values.texts import checked


@frozen
class Segment:
    """A named filter, saved in the store: `SEGMENT('name')` in any filter."""

    name: str
    filter: Filter = field(repr=False)


@frozen
class Segments:
    """Saved filters. They are kept as text and stay relative: who is in them is asked anew each time."""

    _business: Business

    def add(self, name: str, filter: str | Filter, *, key: str | None = None) -> Segment:
        """Save a filter under a name; the name's earlier filter, if any, is replaced. Once, where a key is given."""
        business = self._business
        parsed = business.parse_saved(filter, "a segment")
        saved = SavedSegment(
            name=key_name(name, "segment"), filter=str(parsed), created_at=business.now(), actor=business.actor
        )

        def keep(writer: Writer) -> Sequence[SavedSegment]:
            writer.put([saved])
            Filter.of(business.schema, SegmentNode(saved.name))  # a circle is refused, and nothing kept
            return [saved]

        told = {"name": saved.name, "filter": saved.filter}
        [kept] = once(business, Request(action="add_segment", arguments=told, key=key), keep)
        return Segment(kept.name, parsed if kept is saved else business.parse(kept.filter))

    def list(self) -> Sequence[Segment]:
        """Return all segments, by name."""
        with self._business.reading() as reader:
            saved = tuple(reader.find(SavedSegment))
        return tuple(Segment(each.name, self._business.parse(each.filter)) for each in saved)


@frozen
class Activities:
    """Calls, visits and jobs; internal, for staff."""

    _business: Business

    def log_call(
        self,
        customer: CustomerRef,
        *,
        status: CallStatus | str,
        summary: str = "",
        agreed: str = "",
        occurred_at: datetime | date | str | None = None,
        key: str | None = None,
    ) -> Activity:
        """Keep a phone call and what became of it: called, no_answer, left_voicemail, spoke; once, where a key is given."""
        return self._log(
            customer, "phone_call", summary, occurred_at, key, status=one_of(status, CallStatus, field="status"),
            agreed=checked(agreed, field="agreed"), channel="phone", direction="outbound",
        )

    def log_visit(
        self,
        customer: CustomerRef,
        *,
        summary: str = "",
        point_of_sale: str | None = None,
        occurred_at: datetime | date | str | None = None,
        key: str | None = None,
    ) -> Activity:
        """Keep a visit, at a point of sale if given; once, where a key is given."""
        if point_of_sale is not None:
            point_of_sale = self._business.known(PointOfSale, point_of_sale, "point of sale").name
        return self._log(customer, "visit", summary, occurred_at, key, point_of_sale=point_of_sale)

    def log_job(
        self,
        customer: CustomerRef,
        *,
        status: JobStatus | str,
        summary: str = "",
        occurred_at: datetime | date | str | None = None,
        key: str | None = None,
    ) -> Activity:
        """Keep a job done for the customer: booked, completed or cancelled; once, where a key is given."""
        return self._log(customer, "job", summary, occurred_at, key, job_status=one_of(status, JobStatus, field="status"))

    def _log(
        self, customer: CustomerRef, kind: str, summary: str, occurred_at: datetime | date | str | None, key: str | None,
        **more: object,
    ) -> Activity:
        business = self._business
        now = business.now()
        activity = Activity(
            customer_id=business.existing(customer).id, id=business.ids.new(), kind=kind,
            occurred_at=business.instant(occurred_at, field="occurred_at") or now, recorded_at=now,
            summary=checked(summary, field="summary"), actor=business.actor, **more,  # type: ignore[arg-type]
        )

        def log(writer: Writer) -> Sequence[Activity]:
            writer.add([activity])
            return [activity]

        request = Request(
            action=f"log_{kind}", arguments={"summary": summary, "occurred_at": occurred_at, **more},
            about={"customer": activity.customer_id}, key=key,
        )
        [logged] = once(business, request, log)
        return logged



"""`crm.series`: the terms of coupon series, and the codes that are made to be handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import EllipsisType

from attrs import frozen

from custcrm.actions.coupons import codes, series
from custcrm.actions.coupons import issuing as actions
from custcrm.actions.keys import Request, once
from custcrm.actions.progress import Progress
from custcrm.business import Business
from custcrm.records import CouponSeries, FreeCode, Program, SeriesBudget
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Malformed, Refusal
from custcrm.values.money import Amount, Money


@frozen
class Series:
    """Series of coupons, as they stand after `crm.coupons.add_series`."""

    _business: Business

    def get(self, name: str) -> CouponSeries:
        """Return a series as it stands; NotFound, with near names, when there is none."""
        return self._business.known(CouponSeries, name, "coupon series")

    def list(self, program: str | None = None) -> Sequence[CouponSeries]:
        """Return all series, or those of a program, by name."""
        if program is not None:
            program = self._business.known(Program, program, "program").name
        with self._business.reading() as reader:
            return tuple(reader.find(CouponSeries, {} if program is None else {"program": program}))

    def change(
        self,
        name: str,
        *,
        capacity: int | EllipsisType | None = ...,
        issue_until: datetime | date | str | EllipsisType | None = ...,
        budget: Amount | EllipsisType | None = ...,
        title: str | EllipsisType = ...,
        description: str | EllipsisType = ...,
        titles: Mapping[str, str] | EllipsisType | None = ...,
        descriptions: Mapping[str, str] | EllipsisType | None = ...,
        key: str | None = None,
    ) -> CouponSeries:
        """Change the terms that may change; None lifts a limit. Neither can be less than what is issued or spent.

        A series is renamed by the `title` that people see; its name is a key, by which coupons, filters and keys know it, and
        stays. With a `key` it is done once.
        """
        shown = {"title": title, "description": description, "titles": titles, "descriptions": descriptions}
        return series.changed(
            self._business, name, capacity=capacity, issue_until=issue_until, budget=budget, shown=shown, key=key
        )

    def pause(self, name: str, *, key: str | None = None) -> CouponSeries:
        """Let nothing of the series be issued, generated, reserved or redeemed until it is resumed: series_paused.

        Time goes on: what expires meanwhile is expired. With a `key` it is done once.
        """
        return series.paused(self._business, name, is_paused=True, key=key)

    def resume(self, name: str, *, key: str | None = None) -> CouponSeries:
        """Let a paused series go on. With a `key` it is done once."""
        return series.paused(self._business, name, is_paused=False, key=key)

    def budget_left(self, series: str) -> Money | None:
        """Return what redemptions of the series may still cost; None when it has no budget."""
        name = self.get(series).name
        with self._business.reading() as reader:
            found = reader.get(SeriesBudget, name)
        return None if found is None else Money.from_minor(found.budget - found.spent, found.currency)

    def generate(
        self, series: str, count: int, *, key: str | None = None, progress: Progress = False
    ) -> Sequence[str]:
        """Make free codes to be handed out, in order of their text; once, where a key is given.

        Each has a place in the series from now on. Whoever redeems one first takes it, as a customer or a guest. Refused whole
        with series_paused, series_closed or series_capacity.
        """
        return codes.generate(self._business, series, count, key=key, progress=progress)

    def revoke_code(self, code: str, *, key: str | None = None) -> FreeCode:
        """Take a free code back, so that nobody can redeem it; refused with revoked or already_redeemed. Once, under a key."""

        def revoke(writer: Writer) -> Sequence[FreeCode]:
            found = codes.find_coupon(writer, code)
            if not isinstance(found, FreeCode):
                raise Malformed("the code is not free; revoke the coupon", field="code")
            done = actions.revoked_code(writer, found.code, self._business.now())
            if isinstance(done, Refusal):
                raise done
            return [done]

        with self._business.reading() as reader:
            told = {"code": codes.code_of(codes.find_coupon(reader, code))}  # as it was drawn, however it is typed
        [revoked] = once(self._business, Request(action="revoke_code", arguments=told, key=key), revoke)
        return revoked

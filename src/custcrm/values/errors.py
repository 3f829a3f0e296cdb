"""Every error that callers meet: `Malformed` (your input), `Refusal` (a rule said no), `Conflict` (the world moved).

Errors carry data and make their sentence in `__str__`. They never hold personal data, and they survive pickling.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

SENTENCE_LIMIT: Final = 2_000
"""Characters of an error's sentence: enough for a long list, and no page of what somebody has given."""
_END: Final = 500
"""Of these, how many are its end: what is too long stands in the middle, and how to mend it behind that."""


class CrmError(Exception):
    """Any error of this library. Its sentence has 2,000 characters at most: of what is longer the middle is left out."""

    def __init__(self, *told: object) -> None:
        super().__init__(*(bounded(each) if isinstance(each, str) else each for each in told))


class Malformed(CrmError, ValueError):
    """Input that cannot be understood; `field` names the argument, `suggestions` are near spellings that would do."""

    def __init__(self, message: str, *, field: str | None = None, suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.suggestions = tuple(suggestions)

    def __str__(self) -> str:
        return _suggesting(str(self.args[0]), self.suggestions)


class NotFound(CrmError, LookupError):
    """Nothing is stored under this name or id; `suggestions` are near spellings that are."""

    def __init__(self, message: str, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.suggestions = tuple(suggestions)

    def __str__(self) -> str:
        return _suggesting(str(self.args[0]), self.suggestions)


class Reason(StrEnum):
    """Why a rule says no; each has one sentence in `SENTENCES`."""

    NOT_A_MEMBER = "not_a_member"
    BLACKLISTED = "blacklisted"
    NO_ACCESS = "no_access"
    LIMITED_ACCESS = "limited_access"
    NOT_ELIGIBLE = "not_eligible"
    INACTIVE = "inactive"
    NOT_ENOUGH_POINTS = "not_enough_points"
    NOT_ENOUGH_FUNDS = "not_enough_funds"
    ALREADY_REVERSED = "already_reversed"
    OVER_REFUND = "over_refund"
    NOT_HOLDER = "not_holder"
    CUSTOMER_LIMIT = "customer_limit"
    SERIES_PAUSED = "series_paused"
    SERIES_CLOSED = "series_closed"
    SERIES_CAPACITY = "series_capacity"
    ALREADY_A_MEMBER = "already_a_member"
    NOT_TAGGED = "not_tagged"
    ALREADY_REDEEMED = "already_redeemed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    RESERVED = "reserved"
    NOT_RESERVED = "not_reserved"
    NOT_STACKABLE = "not_stackable"
    NO_BENEFIT = "no_benefit"
    OVER_BUDGET = "over_budget"
    NOT_REDEEMED = "not_redeemed"
    NOT_RESTORED = "not_restored"
    UNCHANGED = "unchanged"
    FINANCIAL_RECORDS = "financial_records"
    NO_CONSENT = "no_consent"
    NOT_CONFIRMED = "not_confirmed"
    SUPPRESSED = "suppressed"
    NO_ADDRESS = "no_address"
    MISSING_VALUE = "missing_value"
    DELETED = "deleted"


SENTENCES: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.NOT_A_MEMBER: "the customer is not a member of the program; join the customer first",
        Reason.BLACKLISTED: "the customer is blacklisted in the program; set another access first",
        Reason.NO_ACCESS: "the customer has no access in the program yet; set limited or full access first",
        Reason.LIMITED_ACCESS: "the customer's access allows crediting only; set full access to redeem",
        Reason.NOT_ELIGIBLE: "the customer is marked as not eligible; set the customer's eligibility first",
        Reason.INACTIVE: "the customer is not active; activate the customer first",
        Reason.NOT_ENOUGH_POINTS: "fewer points are available than were asked for; ask for fewer or credit some first",
        Reason.NOT_ENOUGH_FUNDS: "less is on the account than was asked for; ask for less, replenish it or raise its limit",
        Reason.ALREADY_REVERSED: "less of it is left to take back than was asked for; ask for no more than is left",
        Reason.OVER_REFUND: "more would be taken back than is left of the sale; ask for less",
        Reason.NOT_HOLDER: "the coupon belongs to another customer; name its holder",
        Reason.CUSTOMER_LIMIT: "the customer has had all coupons that the series allows each; issue one of another series",
        Reason.SERIES_PAUSED: "the series is paused; resume it",
        Reason.SERIES_CLOSED: "the series issues no coupons at this time; change its issue window",
        Reason.SERIES_CAPACITY: "fewer coupons are left in the series than are needed; choose fewer customers, "
        "raise its capacity or allow a partial issue",
        Reason.ALREADY_A_MEMBER: "the customer is a member of the program already; nothing needs to be done",
        Reason.NOT_TAGGED: "the customer does not have the tag; nothing needs to be done",
        Reason.ALREADY_REDEEMED: "the coupon has been redeemed already; issue another one",
        Reason.REVOKED: "the coupon has been revoked; issue another one",
        Reason.EXPIRED: "its time is over; issue a new one",
        Reason.NOT_YET_VALID: "the coupon is not valid yet; wait until it is",
        Reason.RESERVED: "the coupon is reserved for something else; release it or wait until its time is over",
        Reason.NOT_RESERVED: "the coupon is not reserved for this; reserve it first",
        Reason.NOT_STACKABLE: "the coupon cannot be combined with another one; redeem it alone",
        Reason.NO_BENEFIT: "the coupon takes nothing off these lines; keep it for another sale",
        Reason.OVER_BUDGET: "the budget of the series does not cover this; raise the budget",
        Reason.NOT_REDEEMED: "the coupon has not been redeemed for this; nothing needs to be done",
        Reason.NOT_RESTORED: "the series does not give coupons back when an order is cancelled; issue another one",
        Reason.UNCHANGED: "the customer is as wanted already; nothing needs to be done",
        Reason.FINANCIAL_RECORDS: "the customer has financial records, which must be kept; deactivate the customer instead",
        Reason.NO_CONSENT: "the customer has not consented to this channel and purpose; record a consent first",
        Reason.NOT_CONFIRMED: "the customer has not confirmed taking part in the program; record it first",
        Reason.SUPPRESSED: "sending to this customer on this channel is suppressed; lift the suppression first",
        Reason.NO_ADDRESS: "the customer has no address for this channel; add one first",
        Reason.MISSING_VALUE: "the customer lacks a value that the text needs; fill it in or give the text a fallback",
        Reason.DELETED: "the customer was deleted before their turn came; nothing needs to be done",
    }
)


class Refusal(CrmError):
    """A rule said no: expected, and nothing was written.

    `reasons` are all that apply, by documented precedence. `details` are names and numbers that belong to the first,
    never personal data; the sentence shows them.

        Refusal(Reason.SERIES_CAPACITY, details={"series": "welcome", "needed": 4, "left": 3})
    """

    def __init__(
        self, reason: Reason | str, *others: Reason | str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(reason, *others)
        self.reasons = tuple(Reason(each) for each in (reason, *others))
        self._details = dict(details or {})  # a plain dict: a mapping proxy cannot be pickled

    @property
    def reason(self) -> Reason:
        """The first of `reasons`."""
        return self.reasons[0]

    @property
    def details(self) -> Mapping[str, object]:
        """A read-only view of the names and numbers of the first reason."""
        return MappingProxyType(self._details)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}: {value}" for name, value in self._details.items())
        return bounded(f"{self.reason}: {SENTENCES[self.reason]}" + (f" ({shown})" if shown else ""))


class Conflict(CrmError):
    """The world is not, or no longer, as the call assumed."""


class Taken(Conflict):
    """A record has what may be one record's alone: its class is `record`, and `columns` are those that clash. Holds no values.

    `customer_id` is whose it is, where it is what a customer is told by: a card number, or the id in another system. `columns`
    are empty where an engine does not tell them.
    """

    def __init__(self, record: type | None, columns: Sequence[str] = (), customer_id: str | None = None) -> None:
        super().__init__(record, tuple(columns), customer_id)
        self.record = record
        self.columns = tuple(columns)
        self.customer_id = customer_id

    def __str__(self) -> str:
        thing = "record" if self.record is None else re.sub(r"\B(?=[A-Z])", " ", self.record.__name__).lower()
        if self.customer_id is None:
            return bounded(f"another {thing} with the same {', '.join(self.columns) or 'unique columns'} is there already")
        what = self.columns[0].replace("_", " ") if len(self.columns) == 1 else thing
        return bounded(f"the {what} belongs to customer {self.customer_id}; update that customer instead")


class EmailTaken(Taken):
    """Another customer, `customer_id`, has exactly this email, as the first one or a further one."""

    customer_id: str

    def __init__(self, customer_id: str) -> None:
        super().__init__(None, ("email",), customer_id)
        self.args = (customer_id,)  # by which it is made again


class KeyConflict(Conflict):
    """The idempotency `key` was used before, for something else."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return bounded(f"key {self.key!r} was used before with other content; repeat it unchanged or choose a new key")


class Contended(Conflict):
    """The store gave the whole transaction up for another one that it waited for, and that waited for it.

    Nothing of it was written. A call that is a transaction by itself has been repeated some times before this is raised.
    """

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "the store gave this transaction up for another one, and nothing of it was written; repeat all of it"


class Unavailable(CrmError):
    """The store or channel cannot be reached now; nothing was written, trying again later is safe."""


class ChannelsFailed(CrmError, ExceptionGroup[Exception]):
    """Some channels took no more messages, or were not there; all others were dispatched.

    `channels` is how many messages wait, by channel, and `exceptions` what befell each of these, in the same order. `accepted`
    is how many messages all channels together accepted in spite of it, `in_doubt` how many the failed ones may have sent: see
    `crm.outbox.in_doubt()`.
    """

    def __new__(cls, channels: Mapping[str, int], errors: Sequence[Exception], accepted: int = 0, in_doubt: int = 0) -> Self:
        """Make the group of the channels' errors."""
        return super().__new__(cls, _befell(channels, errors, accepted, in_doubt), errors)

    def __init__(
        self, channels: Mapping[str, int], errors: Sequence[Exception], accepted: int = 0, in_doubt: int = 0
    ) -> None:
        super().__init__(self.message, errors)
        self.channels = dict(channels)
        self.accepted = accepted
        self.in_doubt = in_doubt

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how the error is made again: a group by itself knows its message and its exceptions alone."""
        return type(self), (self.channels, self.exceptions, self.accepted, self.in_doubt)

    def __str__(self) -> str:
        return self.message


class OutcomeUnknown(CrmError):
    """The connection broke during the commit. `key` is that of what was committed, None where it had none.

    Under a key the same call settles it. Without one, look for what was to be written before anything is repeated.
    """

    def __init__(self, key: str | None = None) -> None:
        super().__init__(key)
        self.key = key or None

    def __str__(self) -> str:
        if self.key is None:
            return (
                "the connection broke during the commit, and it is not known whether this was written; look for it before "
                "you repeat it (what has a key= can be repeated safely)"
            )
        return bounded(
            f"the connection broke during the commit, and it is not known whether key {self.key!r} was applied; "
            "crm.applied(key) tells, and the same call with the same key is safe"
        )


class Unfinished(CrmError):
    """Work could not go on: `done` of `total` were committed, at least, and stay so; of what is one transaction, none.

    The same call goes on where this stopped, under the same `key` where it has one. `why` is the sentence of what stopped it.
    """

    def __init__(self, done: int, total: int, *, key: str | None = None, why: str = "") -> None:
        super().__init__(done, total)
        self.done = done
        self.total = total
        self.key = key
        self.why = why

    def __str__(self) -> str:
        again = "the same call" if self.key is None else f"the same call with key {self.key!r}"
        why = f": {self.why}" if self.why else ""
        if not self.done:
            return bounded(f"stopped with none of {self.total:,} done; {again} begins anew{why}")
        return bounded(f"stopped after {self.done:,} of {self.total:,}, which stay done; {again} goes on from there{why}")


class MisusedTransaction(CrmError, RuntimeError):
    """A transaction was used or left in another thread or asyncio task than it was begun in; nothing of it is kept.

    Both sides are told so: the call that fell into it, which did nothing, and its owner.
    """


class Closed(CrmError):
    """The object was used after it was closed."""

    def __init__(self, message: str = "this was closed; open it again to use it") -> None:
        super().__init__(message)


def bounded(sentence: str, *, room: int = 0) -> str:
    """Return a sentence as an error tells it, the middle left out of one that is too long; `room` is kept for what follows."""
    most = SENTENCE_LIMIT - room
    return sentence if len(sentence) <= most else f"{sentence[: most - _END - 3]} … {sentence[-_END:]}"


def _suggesting(message: str, suggestions: tuple[str, ...]) -> str:
    """Return the message, and behind it the suggestions that it does not list already."""
    new = [each for each in suggestions if not _lists(message, each)]
    return bounded(f"{message}; did you mean {' or '.join(map(repr, new))}?" if new else message)


def _lists(message: str, word: str) -> bool:
    """Tell whether the word is one of several that a message counts up: 'match is prefix, contains or exact'."""
    one = rf"['\"]?{re.escape(word)}['\"]?"
    return re.search(rf"(?:(?:, | or ){one}(?=, | or |[;)]|$)|(?<!\w)(?<!['\"]){one}(?=, | or ))", message) is not None


def _befell(channels: Mapping[str, int], errors: Sequence[Exception], accepted: int, in_doubt: int) -> str:
    each = zip(channels.items(), errors, strict=True)
    told = ", ".join(f"{name!r} ({type(error).__name__}, {count} waiting)" for (name, count), error in each)
    doubt = f", and {in_doubt} are in doubt (crm.outbox.in_doubt())" if in_doubt else ""
    return bounded(f"channels took no more messages: {told}; {accepted} messages were accepted{doubt}")

"""What shows that a program on custcrm works, shipped.

`ManualClock` stands still, `RecordingChannel` keeps what would have been sent. For your own store or channel: subclass
`StoreContract` or `ChannelContract` and call `assert_parity` (these need pytest and hypothesis; they are loaded when named).

Read `clock` and `channel`, then `contracts`, `parity` and `races`; `bases`, `questions`, `strategies` with `rows`, and
`samples` draw what these are tried with. `numbers` draws phone numbers of every region.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from custcrm.testing.channel import RecordingChannel, SentMessage
from custcrm.testing.clock import ManualClock

if TYPE_CHECKING:
    from custcrm.testing.contracts.channel import ChannelContract
    from custcrm.testing.contracts.store import StoreContract
    from custcrm.testing.parity import assert_parity
    from custcrm.testing.races.races import assert_races, assert_races_between_processes

_HOME_OF = {
    "ChannelContract": "custcrm.testing.contracts.channel",
    "StoreContract": "custcrm.testing.contracts.store",
    "assert_parity": "custcrm.testing.parity",
    "assert_races": "custcrm.testing.races.races",
    "assert_races_between_processes": "custcrm.testing.races.races",
}

__all__ = [
    "ChannelContract", "ManualClock", "RecordingChannel", "SentMessage", "StoreContract", "assert_parity", "assert_races",
    "assert_races_between_processes",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)

"""The engines that are ours: they log no rows (`quiet_engine`), and a child process leaves its parent's connections alone
(`keep_from_children`).

In the child nothing is sent and nothing is closed: on PostgreSQL both would speak on the parent's socket, and SQLite would undo
in shared memory what the parent is writing. What was inherited is never freed, and the child's pool begins empty.
"""

from __future__ import annotations

import ctypes
import logging
import time
import weakref
from collections.abc import Callable
from threading import get_ident
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine

from custcrm.storage import forks

LOGGED_AS: Final = "custcrm"
"""Ends the names of the loggers of our engines and pools; those of an app's own engines are not touched."""


def quiet_engine(url: URL | str, **settings: Any) -> Engine:
    """Return an engine that logs statements as others do, but neither their parameters nor rows, whatever the level is."""
    engine = sa.create_engine(url, hide_parameters=True, logging_name=LOGGED_AS, pool_logging_name=LOGGED_AS, **settings)
    log: Any = engine.logger  # a Logger, as nothing is echoed
    log.addFilter(_is_no_row)  # the same one each time, which is added once
    return engine


def _is_no_row(told: logging.LogRecord) -> bool:
    """Tell whether it is above DEBUG, at which SQLAlchemy logs the rows of answers."""
    return told.levelno > logging.DEBUG


def keep_from_children(engine: Engine, *, closes_before: bool = False, inherited: Callable[[], object] | None = None) -> None:
    """Let a child process begin with no connection of this engine, and never use, end or free one of its parent's.

    With `closes_before`, connections that are not in use are closed before the fork; those that other threads use are waited
    for a moment. `inherited` is called in a child that got any in spite of it.
    """
    connections = _Connections(engine, inherited)
    event.listen(engine, "connect", connections.add)
    event.listen(engine, "close", connections.forget)
    event.listen(engine, "checkout", connections.give)
    event.listen(engine, "checkin", connections.take_back)
    forks.watch(
        connections, child=_Connections.leave_to_parent, before=_Connections.close_unused if closes_before else None
    )


@define(eq=False)
class _Connections:
    """The driver's connections that are open, by the pool's record of each; and which thread uses those that are in use."""

    _engine: Engine
    _inherited: Callable[[], object] | None
    _open: dict[Any, Any] = field(factory=dict, init=False)
    _used: dict[Any, tuple[Any, int]] = field(factory=dict, init=False)

    def add(self, driver: Any, record: Any) -> None:
        self._open[record] = driver

    def forget(self, _driver: Any, record: Any) -> None:
        self._open.pop(record, None)
        self._used.pop(record, None)

    def give(self, _driver: Any, record: Any, proxy: Any) -> None:
        self._used[record] = weakref.ref(proxy), get_ident()

    def take_back(self, _driver: Any, record: Any) -> None:
        self._used.pop(record, None)

    def close_unused(self) -> None:
        until, this = time.monotonic() + forks.PATIENCE, get_ident()
        while any(thread != this for _, thread in tuple(self._used.values())) and time.monotonic() < until:
            time.sleep(0.002)
        self._engine.pool.dispose()

    def leave_to_parent(self) -> None:
        for record, driver in self._open.items():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(driver))  # else it is closed when it is freed, at the latest at exit
            record.dbapi_connection = None
        for reference, _ in self._used.values():
            if (proxy := reference()) is not None:
                proxy.dbapi_connection = None  # what ends a block of the parent's has nothing to roll back
        if self._open and self._inherited is not None:
            self._inherited()
        self._open.clear()
        self._used.clear()
        self._engine.dispose(close=False)

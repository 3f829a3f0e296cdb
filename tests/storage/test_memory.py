"""The memory store, under the contract of all stores."""

from collections.abc import Iterator

import pytest

from custcrm.storage.memory import MemoryStore
from custcrm.testing.contracts.store import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[MemoryStore]:
        store = MemoryStore()
        yield store
        store.close()

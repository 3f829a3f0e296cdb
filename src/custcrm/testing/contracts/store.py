"""The laws of every store, as a suite that ships with the library. The name to know is `StoreContract`.

    from custcrm.testing.contracts.store import StoreContract

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            store = MyStore(...)
            store.migrate()
            yield store
            store.close()

`store` is empty and set up. A store that passes can be given to `custcrm.open`. The laws stand by subject
beside this module: `records`, `totals`, `transactions`, `custody`, `leaving`, `limits`, `questions` and `effects`.
"""

from __future__ import annotations

import pytest

from custcrm.storage.protocol import Store
from custcrm.testing.contracts.custody import CustodyLaws
from custcrm.testing.contracts.effects import EffectLaws
from custcrm.testing.contracts.leaving import LeavingLaws
from custcrm.testing.contracts.limits import LimitLaws
from custcrm.testing.contracts.questions import QuestionLaws
from custcrm.testing.contracts.records import RecordLaws
from custcrm.testing.contracts.totals import TotalLaws
from custcrm.testing.contracts.transactions import TransactionLaws


class StoreContract(RecordLaws, TotalLaws, TransactionLaws, CustodyLaws, LeavingLaws, LimitLaws, QuestionLaws, EffectLaws):
    """What `storage.protocol` says, with examples; subclass it with a `store` fixture."""

    @pytest.fixture
    def store(self) -> Store:
        """Give an empty store that has been migrated."""
        raise NotImplementedError("a subclass gives the store to be tested")

"""A store in memory: dicts and sorted indexes behind one lock.

Read `store`, then `table` with `order`, then `questions` and `sums`, then `setwise` (what is done for many at once).
"""

from custcrm.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]

"""A store in memory: dicts and sorted indexes, one transaction at a time.

Read `store` and `contents`, then `table` with `order`, then `questions` and `sums`, then `setwise` (what is done for
many at once).
"""

from custcrm.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]

"""The SQL target, for SQLite and PostgreSQL alike.

Read `compile`, then `writer`, then `source` and `phrases`; `text`, `arithmetic`, `joining`, `scans`, `binding` and `money`
each do one thing.
"""

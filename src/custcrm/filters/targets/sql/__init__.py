"""The SQL target, for SQLite and PostgreSQL alike.

Read `compile`, then `writer`, then `source` and `phrases`; `text`, `arithmetic` with `exact`, `joining`, `scans`, `binding`,
`columns`, `money` and `folded` each do one thing.
"""

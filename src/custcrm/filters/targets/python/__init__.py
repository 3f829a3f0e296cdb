"""The Python target, which is the reference.

Read `compile`, then `code` (conditions and values as `ast`), `rows` and `access` (how a row is read); the rest is their tools.
"""

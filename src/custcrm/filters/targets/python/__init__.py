"""The Python target, which is the reference.

Read `compile`, then `code` (conditions and values as `ast`), `rows` and `access` (how a row is read); `nodes`, `shapes`,
`arithmetic` and `values` are what they are made of.
"""

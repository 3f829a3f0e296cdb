"""A schema gives the names of a tree their types, and refuses what has no meaning.

Read `sorts` and `names` (whose errors are worded in `misnamed`), then `aggregates`, `values` and `conditions` (a mismatch is
worded in `mismatches`, mended by `remedies`), then what names stand for: `segments`, `expanding`, `definitions`; `scopes`
narrows to one shop or till.
"""

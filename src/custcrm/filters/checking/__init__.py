"""A schema gives the names of a tree their types, and refuses what has no meaning.

Read `sorts` and `names`, then `conditions` and `values`; `definitions` puts metrics and segments in place, `scopes` narrows.
"""

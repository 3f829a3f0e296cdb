"""The small core that every target compiles: what a checked filter means, with nothing left to decide.

Read `nodes`, then `logic` (how they are joined), `quantities` (exact numbers) over `whole` (whole ones), `moments` (time) and
`patterns` (LIKE).
"""

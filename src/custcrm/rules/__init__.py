"""Pure decisions: records and arguments in, records or a refusal out. No store, no clock.

Read `points` with `points_history`, then `accounts`, `earning`, `coupons` with `codes` and `benefits` (of goods that are
`alike`), and the folder `sales`; `customers`, `contacting`, `deleting`, `inbox` and `tiers` stand alone. What `points` move are
`lots`.
"""

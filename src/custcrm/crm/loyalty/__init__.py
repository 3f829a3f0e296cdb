"""What customers earn, hold and use.

Read `points`, then `accounts`, then `sales` with `earning`, then `series` and `coupons` with `checkout` and `quoting`.
"""

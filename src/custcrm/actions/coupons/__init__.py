"""Coupons: issued, redeemed, reserved, restored, revoked; by customers and by guests.

Read `series` and `codes` (terms and texts), then `issuing`, then `judging` (every reason against a use), then `redeeming`,
`guests`, `stacking` (several at once) and `restoring`; `redemptions` tells what was made of a coupon, `limits` what one
person has begun, `usable` what a customer can redeem now.
"""

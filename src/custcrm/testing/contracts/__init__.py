"""The laws of stores and channels, as suites that ship with the library.

Read `store`, which gathers the laws of `records`, `questions`, `totals`, `effects`, `limits`, `transactions`, `custody`
and `leaving`; and `channel`.
"""

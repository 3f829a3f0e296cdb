"""What is sold, and what comes back of it: pure decisions.

Read `sales`, then `shares` (what was paid for each line), `returns` (which goods come back) and `refunds`.
"""

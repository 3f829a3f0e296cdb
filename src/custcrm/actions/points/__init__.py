"""Points: credited, spent, adjusted, reversed, transferred, written down when expired, and earned by sales.

Read `points`, then `lots` (what the rules are given), then `reversing`, `expiring` and `earning`.
"""

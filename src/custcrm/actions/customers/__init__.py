"""What a customer is in: programs with their access and categories, tiers, tags; and deleting a customer.

Read `memberships`, then `tiers` and `standing`; `tags`, `consents`, `identities` and `deleting` stand alone.
"""

"""What a customer is in: programs with their access and categories, tiers, tags; and deleting a customer.

Read `memberships`, then `tiers`; `tags`, `consents`, `identities` and `deleting` stand alone.
"""

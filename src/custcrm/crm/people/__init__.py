"""Who the customers are and what they take part in.

Read `customers` with `searching`, then `programs` and `categories`; `tags` and `callers` are small.
"""

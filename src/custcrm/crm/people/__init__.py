"""Who the customers are and what they take part in.

Read `customers`, then `programs` and `categories`; `tags` and `callers` are small.
"""

"""What is told to customers: texts into the outbox, messages into the inbox.

Read `messages`, then `inbox`, which may tell of itself by the former.
"""

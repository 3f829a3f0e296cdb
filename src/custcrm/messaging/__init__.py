"""Texts that go out to customers: their parts, their templates, the channels that carry them, and the dispatching.

Read `protocol`, then `templates`, then `dispatching`; `receipts` judges what a channel returned, `sms` counts parts.
"""

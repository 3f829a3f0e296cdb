"""Texts that go out to customers: their parts, their templates, the channels that carry them, and the dispatching.

Read `protocol`, then `templates`, then `dispatching`; `sms` counts parts.
"""

"""What reaches customers: `crm.consents`, `crm.senders`, `crm.messages`, `crm.outbox`, `crm.inbox`, `crm.offers`.

Read `messages`, then `inbox`.
"""

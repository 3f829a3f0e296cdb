"""Questions that have names, and figures: `crm.segments`, `crm.activities`, `crm.reports`.

Read `segments`, then `reports`.
"""

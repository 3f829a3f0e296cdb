"""Sales: recorded with what they earn, refunded, charged back and cancelled with what goes with them.

Read `sales`, then `refunds`; where any transaction is booked says `actions.places`.
"""

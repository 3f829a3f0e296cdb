"""Small frozen values and the errors: texts, ids, money, spans, birthdays, emails, phones. No I/O, no clock.

Read `errors`, `ids` and `money`, then `periods` with `spans` and `clock`; `texts`, `identifiers`, `emails`, `phones`, `places`,
`birthdays`, `graphemes`, `spelling`, `formulas` and `shapes` (what kind of argument was given) stand alone.
"""

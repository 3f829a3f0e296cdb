"""Small frozen values and the errors: texts, ids, money, spans, birthdays, emails, phones. No I/O, no clock."""

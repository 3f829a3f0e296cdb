"""What the small core is compiled to: functions over the nodes of `ir`, without a rule of the language.

`python` is the reference; `sql` gives the same rows.
"""

"""What a filter is: a tree, with its text, its JSON, its size and its normal form.

Read `nodes` and `operators` (a row for each), then `constants`, `kinds` and `lexicon`, then `to_text` and `to_json`; `limits`,
`size` and `normal` measure and compare, `errors` says what is wrong, `spellings` reads how people write elsewhere.
"""

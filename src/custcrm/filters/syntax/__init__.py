"""What a filter is: a tree, with its text, its JSON, its size and its normal form.

Read `nodes`, then `constants` and `kinds`, then `to_text` and `to_json`; `limits`, `size` and `normal` measure and compare.
"""

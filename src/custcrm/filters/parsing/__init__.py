"""From text or JSON to a tree, without a schema.

Read `tokens`, then `parser` with `precedence`, then `functions`, `placeholders` and `mistakes`; `json` reads the other form.
"""

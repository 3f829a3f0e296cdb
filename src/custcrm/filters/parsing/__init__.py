"""From text or JSON to a tree, without a schema.

Read `tokens`, then `parser` and the `operands` that it makes, then `functions`, `placeholders` and `mistakes` (with
`habits` and the `idioms` of other languages); `json` reads the other form, and `trampoline` keeps both from Python's stack.
"""

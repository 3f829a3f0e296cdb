"""What can be said about a filter: why, what is odd in it, shorter, in words, on a screen.

Read `explain` with `explanation` and `wanted`, then `mending` (what an error suggests, tried out), `lint`, `simplify` (with
`intervals`), `describe` (with `languages`) and `screen`; the small questions that they share are answered by `presence`,
`reads` and `show`.
"""

"""From a checked tree to the small core.

Read `conditions`, then `values`, then `comparing` and `times`, where each comparison is decided once for every target;
`deciding` puts what may overflow behind what cannot.
"""

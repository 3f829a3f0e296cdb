"""Stores: where records are kept, found and guarded.

Read `questions` and `effects`, what a store is asked and what it writes, as data; then `protocol`, what a store promises,
and `custody`, whose a transaction is. `customer_facts` and `facts_of_many` read one customer and some customers of any
store, by `columns`; `folding` says what stands beside texts to find them folded. `transacting` begins a transaction again that
a store gave up for another one; `forks` tells the stores of child processes. `memory` and `sql` are two
stores; the tables of `sql` come from `migrations`.
"""

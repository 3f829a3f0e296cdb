"""Runnable comparisons: ratios side by side in one run, never asserted times. `python -m benchmarks --help`."""

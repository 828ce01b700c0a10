"""Measurements, printed as ratios within one run, since absolute times belong to one machine on one day.

`make bench` runs them all, `make bench BENCH="load read"` some. A file `bench/bench_NAME.py` has a function `measure(ground)` that yields
`Row`s; its docstring's first line is the title of the table. What is compared is said beside each figure, and both sides run in this run.
"""

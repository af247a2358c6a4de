"""What this service reaches on the machine at hand, beside its targets and beside the floor under them.

``python -m benchmarks`` measures everything and prints a table, ``--only`` a section of it. Nothing here is part of the
tests: those guard counts (statements, rows, growth), never times.
"""

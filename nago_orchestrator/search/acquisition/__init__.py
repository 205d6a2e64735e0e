"""Which points to evaluate next, given a surrogate of the costs: pure functions of numpy arrays, and seeds.

Costs are in units of their own standard deviation (`scaling.py`) and minimised; points are those of the unit cube.
`proposers.mobo` calls `batch.choose_batch`; the other modules are its parts.
"""

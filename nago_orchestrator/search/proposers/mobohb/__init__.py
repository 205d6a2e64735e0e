"""Multi-objective search over several fidelities: Hyperband's brackets, promotion by domination, densities of thetas.

proposer    the search as the loop drives it
brackets    which rung has a place free
promotion   who gets it: non-dominated sorting, then hypervolume
lessons     what was evaluated, and what it says of the highest fidelity; transfer carries costs upwards
density     densities of thetas in the unit cube; sampler draws new thetas from them
"""

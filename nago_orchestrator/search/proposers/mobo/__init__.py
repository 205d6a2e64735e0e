"""Multi-objective Bayesian optimisation in batches: `mobo` and `ehvi`."""

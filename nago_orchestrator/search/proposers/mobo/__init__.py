"""Multi-objective Bayesian optimisation in batches: `mobo` (Ru et al., 2020) and `ehvi` (Daulton et al., 2021)."""

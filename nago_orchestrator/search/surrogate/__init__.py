"""Probabilistic models of the objectives: a Bayesian neural network sampled by SGHMC, and a Gaussian process."""

"""`phases`: searches in sequence, each with the observations of those before it (Ru et al., 2020, appendix C.2)."""

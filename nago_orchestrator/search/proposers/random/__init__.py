"""Random search: the baseline."""

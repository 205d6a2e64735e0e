"""Random search, the baseline (Bergstra and Bengio, 2012): thetas drawn uniformly and independently."""

"""The search: from the observations to the next thetas. Pure, but for the libraries that it calls."""

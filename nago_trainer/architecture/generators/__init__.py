"""Generators: from a theta and a seed to an architecture."""

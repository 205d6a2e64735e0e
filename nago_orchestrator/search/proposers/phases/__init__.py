"""Searches in sequence, each starting from the observations of those before it."""

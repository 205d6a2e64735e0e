"""The torch network of a plan, and networks saved to disk."""

"""NAGO's trainer: builds one sampled network and trains it. `architecture` and `contract` need no torch."""

__version__ = "0.1.0"

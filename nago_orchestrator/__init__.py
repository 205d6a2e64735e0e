"""NAGO's orchestrator: proposes generator hyperparameters, has their networks trained, keeps every result."""

__version__ = "0.1.0"

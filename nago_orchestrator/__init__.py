"""NAGO's orchestrator: proposes generator hyperparameters, has their networks trained, keeps every result."""

from nago_trainer import __version__

__all__ = ["__version__"]

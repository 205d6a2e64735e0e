"""NAGO's orchestrator: proposes generator hyperparameters, has their networks trained, keeps every result."""

import os

from nago_trainer import __version__

__all__ = ["__version__"]

# Before anything loads numpy. OpenBLAS rounds a sum by how many threads share it, which is else the number of
# processors: a replay on another machine would find other proposals.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

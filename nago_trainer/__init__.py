"""NAGO's trainer: builds one sampled network and trains it. `architecture` and `contract` need no torch."""

__version__ = "0.1.0"
"""Of both programs; it stands here alone in the code. `make version TO=...` changes it, in the manifests too."""

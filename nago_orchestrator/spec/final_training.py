"""The `final_training` section: how `train-best` trains networks of the generators that a search found."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nago_orchestrator.spec.scalars import Real, Whole
from nago_orchestrator.spec.section import Section

EPOCHS_PER_SEARCH_EPOCH = 5
"""The paper searches with up to 120 epochs and trains for 600."""


class FinalTrainingSection(Section):
    networks: Annotated[Whole, Field(ge=1, le=1000)] = 8
    """Architectures that are drawn from each generator."""
    epochs: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Of each training; by default five times the last of `fidelities`."""
    batch_size: Annotated[Whole, Field(ge=1, le=65_536)] | None = None
    """Images per step; by default as in `trainer`, and so for the keys below."""
    learning_rate: Annotated[Real, Field(gt=0, le=100)] | None = None
    """At the first step."""
    weight_decay: Annotated[Real, Field(ge=0, le=1)] | None = None
    """L2 penalty on all weights."""
    dropout: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Probability of zeroing a feature before the classifier."""
    label_smoothing: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Share of the target that is spread evenly over all classes."""
    cutout: Annotated[Whole, Field(ge=0, le=1024)] | None = None
    """Side in pixels of the square that is blanked in every training image."""

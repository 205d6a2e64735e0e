"""The words that options of a training take, in the study file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from nago_orchestrator.spec.scalars import known_word
from nago_trainer.contract.task import BALANCES, FITS, KEPT_EPOCHS, LAYOUTS, OPTIMISERS, PRECISIONS


def _one_of(what: str, known: tuple[str, ...]) -> tuple[Any, ...]:
    return BeforeValidator(known_word(what, known)), WithJsonSchema({"enum": [*known], "type": "string"})


Fit = Annotated[str, *_one_of("fit", FITS)]
Precision = Annotated[str, *_one_of("precision", PRECISIONS)]
Layout = Annotated[str, *_one_of("layout", LAYOUTS)]
Optimiser = Annotated[str, *_one_of("optimizer", OPTIMISERS)]
Balance = Annotated[str, *_one_of("way to balance", BALANCES)]
KeptEpoch = Annotated[str, *_one_of("epoch to keep", KEPT_EPOCHS)]

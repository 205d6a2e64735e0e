"""Which images a study names, and how they are divided: all that is known before any of them was looked at."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from nago_trainer.contract.json_form import build, encode_known
from nago_trainer.contract.task import DatasetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Fields as in `DatasetSettings`, whose defaults they share."""

    name: str
    path: str | None
    validation_fraction: float
    split_seed: int = 0
    labels: str | None = None
    test_fraction: float = 0.0

    @classmethod
    def of(cls, settings: DatasetSettings) -> Self:
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        return encode_known(self)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form."""
        return build(cls, data)

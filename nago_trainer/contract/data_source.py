"""Which images a study names, and how they are divided: all that is known before any of them was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from nago_trainer.contract.json_form import build, encode_known
from nago_trainer.contract.task import DatasetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Fields as in `DatasetSettings`, whose defaults they share."""

    name: str
    path: str | None
    validation_fraction: float

    @classmethod
    def of(cls, settings: DatasetSettings) -> Self:
        return cls(name=settings.name, path=settings.path, validation_fraction=settings.validation_fraction)

    def to_json(self) -> dict[str, Any]:
        return encode_known(self)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form."""
        return build(cls, data)

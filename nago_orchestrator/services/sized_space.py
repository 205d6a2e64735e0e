"""A search space with what its networks are for: of a preset, a study file or a stored study."""

from __future__ import annotations

from dataclasses import dataclass

from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.services.space_survey import Sizing
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.space_section import preset_space
from nago_orchestrator.store.store import open_store
from nago_trainer.architecture import TensorShape
from nago_trainer.contract.data_sets import DATA_SETS

_GUESSED_CHANNELS, _GUESSED_CLASSES = 3, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedSpace:
    name: str
    space: SearchSpace
    sizing: Sizing
    assumed: str | None = None
    """What had to be guessed, for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingWish:
    """What a user wants instead of the space's own; None keeps it."""

    image_size: int | None
    channels: int | None
    classes: int | None
    parameter_limit: int | None

    def applied_to(self, sizing: Sizing) -> Sizing:
        return Sizing(
            image=TensorShape(self.channels or sizing.image.channels, self.image_size or sizing.image.size),
            classes=self.classes or sizing.classes,
            parameter_limit=self.parameter_limit or sizing.parameter_limit,
        )


def preset_space_of(name: str) -> SizedSpace:
    """With the paper's images and parameter limit."""
    sizing = Sizing(image=TensorShape(3, 32), classes=10, parameter_limit=4_000_000)
    return SizedSpace(name=name, space=preset_space(name), sizing=sizing)


def stored_space(name: str, url: str) -> SizedSpace:
    study = open_store(url).study(name)
    data, limit = study.recipe.dataset, study.recipe.parameter_limit
    sizing = Sizing(image=TensorShape(data.channels, data.image_size), classes=data.classes, parameter_limit=limit)
    return SizedSpace(name=name, space=StudySpec.from_canonical(study.spec).search_space(), sizing=sizing)


def file_space(spec: StudySpec, wish: SizingWish) -> SizedSpace:
    """No image is opened here: what only the images tell is assumed, unless `wish` has it."""
    data = spec.trainer.dataset
    published = DATA_SETS[data.name].published
    channels = data.channels or (published.channels if published else None) or wish.channels
    classes = data.classes or (published.classes if published else None) or wish.classes
    assumed = None
    if channels is None or classes is None:
        assumed = (
            "the images are not read here: 3 channels and 10 classes are assumed, unless --channels and --classes "
            "are given"
        )
    sizing = Sizing(
        image=TensorShape(channels or _GUESSED_CHANNELS, data.image_size),
        classes=classes or _GUESSED_CLASSES,
        parameter_limit=spec.trainer.parameter_limit,
    )
    return SizedSpace(name=spec.name, space=spec.search_space(), sizing=sizing, assumed=assumed)

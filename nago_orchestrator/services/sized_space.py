"""A search space with what its networks are for: of a preset, a study file or a stored study."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.domain.trial_design import Sizing
from nago_orchestrator.errors import InputError
from nago_orchestrator.services.space_survey import SpaceSurvey, survey_space
from nago_orchestrator.services.training_configuration import memory_limit
from nago_orchestrator.spec import StudySpec, load_study_spec
from nago_orchestrator.spec.space_section import preset_space
from nago_orchestrator.store.store import open_store
from nago_trainer.architecture import TensorShape, ThetaError
from nago_trainer.contract.data_sets import DATA_SETS

_STUDY_NAME = re.compile(r"[a-z0-9-]*[a-z0-9]")
"""A study's name has no dot and no slash; everything else is a file."""
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
        return replace(
            sizing,
            image=TensorShape(self.channels or sizing.image.channels, self.image_size or sizing.image.size),
            classes=self.classes or sizing.classes,
            parameter_limit=self.parameter_limit or sizing.parameter_limit,
        )


def preset_space_of(name: str) -> SizedSpace:
    """With the paper's images and parameter limit."""
    sizing = Sizing(image=TensorShape(3, 32), classes=10, parameter_limit=4_000_000)
    return SizedSpace(name=name, space=preset_space(name), sizing=sizing)


def named_space(name: str, wish: SizingWish, known_database: Callable[[], str]) -> SizedSpace:
    """Of a study in the database or of a study file. `known_database` gives the address, and may refuse."""
    if _STUDY_NAME.fullmatch(name):
        return stored_space(name, known_database())
    return file_space(load_study_spec(name), wish)


def survey_sized_space(
    item: SizedSpace, wish: SizingWish, *, draws: int, seed: int, on_progress: Callable[[int], None]
) -> SpaceSurvey:
    """As `survey_space`. Raises InputError where the generator refuses a sample."""
    try:
        return survey_space(item.space, wish.applied_to(item.sizing), draws=draws, seed=seed, on_progress=on_progress)
    except ThetaError as error:
        raise InputError(f"the generator of {item.name} refuses a sample: {error}") from error


def stored_space(name: str, url: str) -> SizedSpace:
    study = open_store(url).study(name)
    space = StudySpec.from_canonical(study.spec).search_space()
    return SizedSpace(name=name, space=space, sizing=Sizing.of(study.recipe))


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
        memory=memory_limit(spec.trainer),
    )
    return SizedSpace(name=spec.name, space=spec.search_space(), sizing=sizing, assumed=assumed)

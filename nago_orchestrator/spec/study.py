"""StudySpec: a whole study as its file defines it, complete with every default.

Built by `load`, split by the wiring into the values that the core works with, and stored in the study's row in its
canonical form, whose digest tells whether two files mean the same study.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.evaluation.metrics import CUSTOM
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.spec.execution import ExecutionSection, LimitsSection, RetriesSection
from nago_orchestrator.spec.final_training import EPOCHS_PER_SEARCH_EPOCH, FinalTrainingSection
from nago_orchestrator.spec.objectives import ObjectiveSection, check_unique
from nago_orchestrator.spec.older import renamed_from, renewed
from nago_orchestrator.spec.phase_checks import check_fidelities, check_phases_meet, check_runs_meet, complete_phase
from nago_orchestrator.spec.protocols import protocol_cutout
from nago_orchestrator.spec.scalars import MAXIMAL_WHOLE, Whole, read_text, wrong
from nago_orchestrator.spec.search import PhasesSection, SearchSection, continues, learns, phases_of
from nago_orchestrator.spec.section import Section, is_study_file
from nago_orchestrator.spec.space_section import SpaceSection
from nago_orchestrator.spec.trainer import TrainerSection, check_cutout
from nago_trainer.contract.data_sets import DATA_SETS

MAXIMAL_NAME = 40
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def _read_name(value: Any) -> str:
    """Job names derive from it, so it follows the rules of DNS labels."""
    name = read_text(value)
    if len(name) > MAXIMAL_NAME:
        raise wrong(f"must have at most {MAXIMAL_NAME} characters, found {len(name)}")
    if _NAME.fullmatch(name) is None:
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "my-study"
        raise wrong(f"must be lower case letters, digits and inner hyphens, such as {better}; found '{name}'")
    return name


class StudySpec(Section):
    """Every key of the study file; see docs/study-file.md."""

    name: Annotated[str, BeforeValidator(_read_name), Field(max_length=MAXIMAL_NAME, pattern=f"^{_NAME.pattern}$")]
    """Name of the study: lower case letters, digits and inner hyphens, at most 40 characters."""
    seed: Annotated[Whole, Field(ge=0, le=MAXIMAL_WHOLE)] = 0
    """The one source of all randomness: the same file and seed give the same study."""
    space: SpaceSection = SpaceSection()
    """What is searched."""
    objectives: Annotated[
        tuple[ObjectiveSection, ...], Field(min_length=1, max_length=4), AfterValidator(check_unique)
    ] = (ObjectiveSection(name="accuracy"),)
    """One to four objectives; by default the accuracy alone."""
    search: SearchSection
    """How it is searched."""
    fidelities: Annotated[tuple[Annotated[Whole, Field(ge=1, le=100_000)], ...], Field(min_length=1, max_length=20)]
    """Epochs of a trial at each rung, increasing; for bohb each the same whole multiple of the one before."""
    warm_start: Annotated[tuple[Annotated[str, BeforeValidator(_read_name)], ...], Field(max_length=100)] = ()
    """Studies of the same database and space whose evaluations the search begins with."""
    architectures_per_proposal: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """Architectures that are drawn and trained for each proposal; their mean is the proposal's value."""
    trainer: TrainerSection
    """What is trained, and how."""
    final_training: Annotated[FinalTrainingSection, renamed_from("final", to="final_training")] = FinalTrainingSection()
    """How `train-best` trains networks of the best generators."""
    execution: ExecutionSection = ExecutionSection()
    """Where trials run, and how many at once."""
    limits: LimitsSection = LimitsSection()
    """What the study may spend."""
    retries: RetriesSection = RetriesSection()
    """What is tried again."""

    @field_validator("search", mode="after")
    @classmethod
    def _complete_search(cls, search: SearchSection, info: ValidationInfo) -> SearchSection:
        """Writes out the defaults that depend on the sections before it."""
        if not {"space", "objectives"} <= info.data.keys():
            return search
        names = tuple(objective.name for objective in info.data["objectives"])
        dimensions = len(info.data["space"].search_space().dimensions)
        if isinstance(search, PhasesSection):
            phases = tuple(complete_phase(phase, names, dimensions) for phase in search.phases)
            return search.model_copy(update={"phases": phases})
        return complete_phase(search, names, dimensions)

    @field_validator("fidelities", mode="after")
    @classmethod
    def _fidelities_are_a_ladder(cls, fidelities: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        for before, after in pairwise(fidelities):
            if after <= before:
                raise wrong(f"must increase, but {after} follows {before}")
        if info.data.get("search") is not None:
            phases = phases_of(info.data["search"])
            for phase in phases:
                check_fidelities(phase, fidelities)
            check_phases_meet(phases, fidelities)
            check_runs_meet(phases, fidelities)
        return fidelities

    @field_validator("warm_start", mode="after")
    @classmethod
    def _warm_start_is_of_others(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise wrong(f"names {name} twice")
            if name == info.data.get("name"):
                raise wrong(f"names {name}, which is the study itself")
        search = info.data.get("search")
        if names and search is not None and is_study_file(info) and not learns(search):
            raise wrong("has no effect for algorithm random, which learns from no evaluation", do="remove the key")
        return names

    @field_validator("trainer", mode="after")
    @classmethod
    def _own_objective_has_a_function(cls, trainer: TrainerSection, info: ValidationInfo) -> TrainerSection:
        named = [objective.name for objective in info.data.get("objectives", ()) if objective.name in CUSTOM]
        if named and trainer.objective is None:
            raise wrong(f"lacks the key objective, which {named[0]} needs", do="set objective: package.module:function")
        return trainer

    @field_validator("final_training", mode="after")
    @classmethod
    def _final_cutout_leaves_something(cls, final: FinalTrainingSection, info: ValidationInfo) -> FinalTrainingSection:
        if "trainer" not in info.data:
            return final
        size = info.data["trainer"].dataset.image_size
        if final.cutout is not None:
            check_cutout(final.cutout, size)
        elif final.protocol is not None and is_study_file(info):
            return final.model_copy(update={"cutout": protocol_cutout(size)})
        return final

    @field_validator("final_training", mode="after")
    @classmethod
    def _final_batch_has_its_rate(cls, final: FinalTrainingSection, info: ValidationInfo) -> FinalTrainingSection:
        """Of a file alone: a stored study keeps the values that it was made with."""
        read_now = "trainer" in info.data and is_study_file(info)
        return final.with_rate_of_batch(info.data["trainer"]) if read_now else final

    @field_validator("execution", mode="after")
    @classmethod
    def _continuing_has_a_place(cls, execution: ExecutionSection, info: ValidationInfo) -> ExecutionSection:
        section = execution.kubernetes
        in_cluster = execution.where == "kubernetes" and section is not None and section.checkpoints is None
        search = info.data.get("search")
        if in_cluster and search is not None and continues(search):
            raise wrong(
                "lacks the section kubernetes.checkpoints, which search.continue needs", do="add it, with its claim"
            )
        return execution

    @field_validator("limits", mode="after")
    @classmethod
    def _limits_allow_a_proposal(cls, limits: LimitsSection, info: ValidationInfo) -> LimitsSection:
        needed = info.data.get("architectures_per_proposal", 1)
        if limits.trials is not None and limits.trials < needed:
            raise wrong(f"allows {counted(limits.trials, 'trial')}, but architectures_per_proposal is {needed}")
        return limits

    def canonical(self) -> dict[str, Any]:
        """JSON values only, with every default written out; `from_canonical` gives the same spec again."""
        return self.model_dump(mode="json")

    @classmethod
    def from_canonical(cls, data: Mapping[str, Any]) -> Self:
        """Raises pydantic's ValidationError unless `data` came from `canonical`, of this version or an older one."""
        return cls.model_validate(renewed(data))

    def as_if_new(self, stored: Mapping[str, Any]) -> Self:
        """With today's default of what `stored`, its canonical form, does not have: that of a study file of before.

        It is the same study all the same, and goes on as it began.
        """
        known = stored.get("trainer", {}).get("dataset", {})
        if "test_fraction" in known:
            return self
        dataset = self.trainer.dataset
        new = dataset.model_copy(update={"test_fraction": DATA_SETS[dataset.name].test_fraction})
        return self.model_copy(update={"trainer": self.trainer.model_copy(update={"dataset": new})})

    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def final_epochs(self) -> int:
        return self.final_training.epochs or EPOCHS_PER_SEARCH_EPOCH * self.fidelities[-1]

    def search_space(self) -> SearchSpace:
        return self.space.search_space()

    def objective_values(self) -> tuple[Objective, ...]:
        return tuple(objective.value() for objective in self.objectives)

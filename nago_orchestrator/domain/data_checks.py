"""A check of images that only a study's trainers see: as it is stored, and what follows from its answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from nago_orchestrator.domain.dataset import (
    DatasetSummary,
    bytes_in_memory,
    changed_sentence,
    pixel_bytes,
    summary_of,
    untrainable,
    warnings,
)
from nago_orchestrator.domain.states import AttemptState, Failure
from nago_orchestrator.formatting import quantities
from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.data_report import DATA_CHANGED
from nago_trainer.contract.error_text import error_text
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, DatasetSettings

BAD_DATA = "BadData"
UNABLE = "Unable"
"""Reason of a check that ended well without an answer."""
UNABLE_SENTENCE = (
    "the trainer image is too old for a data check: the study continues without a fingerprint of the dataset"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    number: int
    """Of the study, from 1."""
    state: AttemptState
    failure: Failure | None
    reason: str | None
    """Why it failed or, while it has not ended, why it does not run."""
    message: str | None
    """The reason in one sentence."""
    study_changed_at: datetime
    """When the study had come into the state in which the check was begun: tells one resumption from the next."""
    created_at: datetime
    ended_at: datetime | None

    @property
    def tells(self) -> bool:
        """Whether there is more to say of it than what it found."""
        return self.state is not AttemptState.SUCCEEDED or self.message is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a study knows, or says, of its images before it has an answer."""

    dataset: DatasetSettings
    batch_size: int
    begun: bool
    """Whether it has trials."""
    memory: float | None = None
    """Bytes that the study file gives each trial; None where they are computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """Of a check that has ended with an answer, or cannot have one."""

    dataset: DatasetSettings
    """With what is known of it now."""
    summary: DatasetSummary | None
    problem: tuple[str, str] | None = None
    """Why the study cannot go on: one word, and one sentence."""
    warnings: tuple[str, ...] = ()


def data_check_name(study: str, number: int) -> str:
    """Of its Job. No longer than an attempt's."""
    return f"{study}-data-{number}"


def conclude(answer: DataAnswer, known: Known) -> Conclusion:
    report, dataset = answer.report, known.dataset
    found = Conclusion(
        dataset=replace(
            dataset,
            fingerprint=dataset.fingerprint or report.fingerprint,
            images=report.images + report.test,
            own_test=report.test > 0,
        ),
        summary=summary_of(report, known.batch_size, classes=answer.classes),
        problem=_problem(answer, known),
        warnings=warnings(report, known.batch_size),
    )
    tight = _tight_memory(report.images, known)
    return found if tight is None else replace(found, warnings=(*found.warnings, tight))


def unable(known: Known) -> Conclusion:
    """A trainer of version 0.1.0 knows only the image rules of that version; a study without trials may take them."""
    dataset, told = known.dataset, UNABLE_SENTENCE
    if dataset.image_rules == IMAGE_RULES and not known.begun and dataset.fingerprint is None:
        dataset = replace(dataset, image_rules=FORMER_IMAGE_RULES, test_fraction=0.0)
        told = f"{told}, its images are read by the rules of version 0.1.0, and it has no test images"
    return Conclusion(dataset=dataset, summary=None, warnings=(told,))


def _problem(answer: DataAnswer, known: Known) -> tuple[str, str] | None:
    report, dataset = answer.report, known.dataset
    if dataset.fingerprint not in (None, report.fingerprint):
        return DATA_CHANGED, changed_sentence(report.changes, dataset.path)
    # A study of version 0.1.0 keeps the image rules of that version, by which other images may be right.
    wrong = untrainable(report, remedy="correct or remove them") if dataset.image_rules == IMAGE_RULES else None
    if dataset.fingerprint is None:  # else they are facts of the same images, and were right when it was taken
        wrong = wrong or _other_facts(answer, dataset)
    wrong = wrong or _too_large(report.images, known)
    return None if wrong is None else (BAD_DATA, wrong)


def _other_facts(answer: DataAnswer, dataset: DatasetSettings) -> str | None:
    for key, said, is_there in (
        ("channels", dataset.channels, answer.report.channels),
        ("classes", dataset.classes, answer.classes),
    ):
        if said != is_there:
            what = f"trainer.dataset.{key} is {said}, and the images have {is_there} {key}"
            return error_text(what, where=dataset.path, do="correct the key, and submit the study under another name")
    return None


def _too_large(images: int, known: Known) -> str | None:
    if known.dataset.prepared is not None and bytes_in_memory(known.dataset, images) == 0:
        return None
    pixels = pixel_bytes(known.dataset, images)
    if known.memory is None or pixels <= known.memory:
        return None
    what = f"{images:,} images take {quantities.size(pixels)}, and execution.kubernetes.memory is less"
    streamed = "set trainer.dataset.memory below it" if known.dataset.prepared else "name a claim for prepared images"
    return error_text(what, do=f"raise it, or {streamed}, and submit the study under another name")


def _tight_memory(images: int, known: Known) -> str | None:
    needed = bytes_in_memory(known.dataset, images)
    if known.memory is None or needed <= known.memory:
        return None
    what = f"reading {images:,} images takes up to {quantities.size(needed)}, and execution.kubernetes.memory is less"
    return error_text(what, do="raise it")

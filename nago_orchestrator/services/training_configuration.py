"""What all trials of a study share, from its file and its images. Called when a study is submitted or looked at."""

from __future__ import annotations

from dataclasses import fields
from importlib.util import find_spec

from nago_orchestrator.domain.device_memory import MemoryLimit
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.local.dataset_check import check_dataset, refuse_untrainable
from nago_orchestrator.executors.local.device_check import refuse_missing_device
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.dataset import DatasetSection
from nago_orchestrator.spec.trainer import TrainerSection
from nago_trainer.contract.data_report import DataReport
from nago_trainer.contract.data_sets import DATA_SETS, DatasetFacts
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, DatasetSettings, TrainingSettings


def study_recipe(spec: StudySpec) -> TrainingRecipe:
    """Local images are all checked. Raises InputError for those that cannot be used, or that are not known enough."""
    return recipe_of(spec, look_at_images(spec))


def recipe_of(spec: StudySpec, report: DataReport | None) -> TrainingRecipe:
    """`report`: what `look_at_images` found. Raises InputError as `study_recipe` does."""
    trainer, execution, facts = spec.trainer, spec.execution, _dataset_facts(spec, report)
    return TrainingRecipe(
        dataset=DatasetSettings(
            name=trainer.dataset.name,
            path=trainer.dataset.path,
            image_size=trainer.dataset.image_size,
            channels=facts.channels,
            classes=facts.classes,
            validation_fraction=trainer.dataset.validation_fraction,
            labels=trainer.dataset.labels,
            fit=trainer.dataset.fit,
            test_fraction=trainer.dataset.test_fraction,
            split_seed=spec.seed,
            fingerprint=None if report is None else report.fingerprint,
            prepared=_place_of_prepared(spec),
            memory=trainer.dataset.memory,
            own_test=report is not None and report.test > 0,
            image_rules=IMAGE_RULES if DATA_SETS[trainer.dataset.name].files else FORMER_IMAGE_RULES,
        ),
        training=_training(trainer),
        parameter_limit=trainer.parameter_limit,
        device=execution.device,
        threads=execution.threads,
        keep_network=trainer.keep_networks,
        memory=trainer.memory,
    )


def _place_of_prepared(spec: StudySpec) -> str | None:
    dataset, section = spec.trainer.dataset, spec.execution.kubernetes
    mounted = section.prepared if spec.execution.where == "kubernetes" and section is not None else None
    if dataset.prepared is not None or mounted is None or not DATA_SETS[dataset.name].files:
        return dataset.prepared
    return mounted.mount_path


def memory_limit(trainer: TrainerSection) -> MemoryLimit | None:
    return None if trainer.memory is None else MemoryLimit(bytes=trainer.memory, training=_training(trainer))


def _training(trainer: TrainerSection) -> TrainingSettings:
    """A key of the section and a field of the recipe that have one name are one setting."""
    values = trainer.model_dump(include={field.name for field in fields(TrainingSettings)})
    point = trainer.learning_rate_from
    return TrainingSettings(**values, **({} if point is None else point.reference()))


def refuse_unable_machine(spec: StudySpec) -> None:
    """Raises InputError where trials are to run on this machine and cannot."""
    if spec.execution.where != "local":
        return
    if find_spec("torch") is None:
        raise InputError(
            "trials cannot run on this machine: torch is not installed",
            do="pip install 'nago-orchestrator[trainer]', or run trials in a cluster (execution.where: kubernetes)",
        )
    for device in spec.execution.devices or (spec.execution.device,):
        refuse_missing_device(device)


def look_at_images(spec: StudySpec) -> DataReport | None:
    """None where they are in the cluster. Raises InputError where there is no dataset to look at."""
    if spec.execution.where != "local":
        return None
    refuse_unable_machine(spec)
    return check_dataset(_source(spec))


def _source(spec: StudySpec) -> DataSource:
    """A key of the section and a field of the source that have one name are one setting."""
    section = spec.trainer.dataset
    values = section.model_dump(include={field.name for field in fields(DataSource)})
    return DataSource(**values, split_seed=spec.seed)


def _dataset_facts(spec: StudySpec, report: DataReport | None) -> DatasetFacts:
    section = spec.trainer.dataset
    if report is not None:
        refuse_untrainable(report)
        found = DatasetFacts(channels=report.channels, classes=len(report.classes), images=report.images)
        _refuse_other_facts(section, found)
        return found
    if section.channels is not None and section.classes is not None:
        return DatasetFacts(channels=section.channels, classes=section.classes, images=0)
    published = DATA_SETS[section.name].published
    if published is not None:
        return published
    raise InputError(
        "the number of classes and channels is not known: the images are in the cluster",
        do="give trainer.dataset.classes and trainer.dataset.channels",
    )


def _refuse_other_facts(section: DatasetSection, found: DatasetFacts) -> None:
    """Raises InputError where the study file says something else of the images."""
    for key, said, is_there in (
        ("channels", section.channels, found.channels),
        ("classes", section.classes, found.classes),
    ):
        if said is not None and said != is_there:
            raise InputError(
                f"trainer.dataset.{key} is {said}, and the images have {is_there} {key}",
                where=section.path,
                do="correct the key or remove it: on this machine it is counted",
            )

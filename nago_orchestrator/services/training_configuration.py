"""What all trials of a study share, from its file and its images. Called when a study is submitted or looked at."""

from __future__ import annotations

from importlib.util import find_spec

from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.local.dataset_check import describe_dataset
from nago_orchestrator.spec import StudySpec
from nago_trainer.contract.data_sets import DATA_SETS, DatasetFacts
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, DatasetSettings, TrainingSettings


def study_recipe(spec: StudySpec) -> TrainingRecipe:
    """Local images are all checked. Raises InputError for those that cannot be used, or that are not known enough."""
    trainer, execution, facts = spec.trainer, spec.execution, _dataset_facts(spec)
    return TrainingRecipe(
        dataset=DatasetSettings(
            name=trainer.dataset.name,
            path=trainer.dataset.path,
            image_size=trainer.dataset.image_size,
            channels=facts.channels,
            classes=facts.classes,
            validation_fraction=trainer.dataset.validation_fraction,
            split_seed=spec.seed,
            image_rules=FORMER_IMAGE_RULES if DATA_SETS[trainer.dataset.name].published else IMAGE_RULES,
        ),
        training=TrainingSettings(
            batch_size=trainer.batch_size,
            learning_rate=trainer.learning_rate,
            momentum=trainer.momentum,
            weight_decay=trainer.weight_decay,
            gradient_clip=trainer.gradient_clip,
            label_smoothing=trainer.label_smoothing,
            dropout=trainer.dropout,
            crop_padding=trainer.crop_padding,
            horizontal_flip=trainer.horizontal_flip,
            cutout=trainer.cutout,
        ),
        parameter_limit=trainer.parameter_limit,
        device=execution.device,
        threads=execution.threads,
        keep_network=trainer.keep_networks,
    )


def refuse_without_torch(spec: StudySpec) -> None:
    """Raises InputError where trials are to run on this machine and cannot."""
    if spec.execution.where == "local" and find_spec("torch") is None:
        raise InputError(
            "trials cannot run on this machine: torch is not installed",
            do="pip install 'nago-orchestrator[trainer]', or run trials in a cluster (execution.where: kubernetes)",
        )


def _dataset_facts(spec: StudySpec) -> DatasetFacts:
    section = spec.trainer.dataset
    if spec.execution.where == "local":
        refuse_without_torch(spec)
        return describe_dataset(section.name, section.path)
    if section.channels is not None and section.classes is not None:
        return DatasetFacts(channels=section.channels, classes=section.classes, images=0)
    published = DATA_SETS[section.name].published
    if published is not None:
        return published
    raise InputError(
        "the number of classes and channels is not known: the images are in the cluster",
        do="give trainer.dataset.classes and trainer.dataset.channels",
    )

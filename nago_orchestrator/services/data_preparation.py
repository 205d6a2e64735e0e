"""The images of a study, decoded and resized before its first trial. For `nago-orch data prepare`."""

from __future__ import annotations

from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.local.image_preparation import PreparedImages, prepare_images
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec
from nago_trainer.contract.data_sets import DATA_SETS


def prepare_data(spec: StudySpec) -> PreparedImages:
    """Raises InputError, also for images that need no preparation, or that lie in a cluster."""
    name = spec.trainer.dataset.name
    if spec.execution.where != "local":
        raise InputError(
            "the images of the study are in the cluster, where the Job of its data check prepares them",
            do="set execution.kubernetes.prepared",
        )
    if not DATA_SETS[name].files:
        raise InputError(f"the images of {name} are read whole, and fast: there is nothing to prepare")
    return prepare_images(study_recipe(spec).dataset)

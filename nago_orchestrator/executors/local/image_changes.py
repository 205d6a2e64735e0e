"""Whether the images of a study on this machine are those that it began with. Called when a study is run."""

from __future__ import annotations

from nago_orchestrator.domain.dataset import changed_sentence
from nago_orchestrator.errors import ImageStorageError, InputError
from nago_orchestrator.executors.local.dataset_check import check_dataset
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import DatasetSettings


def image_changes(settings: DatasetSettings) -> str | None:
    """One sentence that says what has changed; None where nothing has, or nothing is known of before.

    Raises ImageStorageError where the images cannot be compared at the moment.
    """
    if settings.fingerprint is None:
        return None
    try:
        report = check_dataset(DataSource.of(settings), since=settings.fingerprint)
    except ImageStorageError:
        raise
    except InputError as error:
        return f"the images of the study can no longer be read: {error}"
    if report.fingerprint == settings.fingerprint:
        return None
    return changed_sentence(report.changes, settings.path)

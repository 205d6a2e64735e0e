"""Whether the images of a study on this machine are those that it began with. Called when a study is run."""

from __future__ import annotations

from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.local.dataset_check import check_dataset
from nago_trainer.contract.error_text import error_text
from nago_trainer.contract.task import DatasetSettings

REMEDY = "restore them and resume, or submit the study under another name"


def image_changes(settings: DatasetSettings) -> str | None:
    """One sentence that says what has changed; None where nothing has, or nothing is known of before."""
    if settings.fingerprint is None:
        return None
    try:
        report = check_dataset(settings.name, settings.path, settings.validation_fraction, since=settings.fingerprint)
    except InputError as error:
        return f"the images of the study can no longer be read: {error}"
    if report.fingerprint == settings.fingerprint:
        return None
    changes = f": {'; '.join(report.changes)}" if report.changes else ""
    return error_text(f"the images have changed since the study began{changes}", where=settings.path, do=REMEDY)

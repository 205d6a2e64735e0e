"""All that can be said of a study's images before it runs. For `nago-orch data check`."""

from __future__ import annotations

from dataclasses import dataclass

from nago_orchestrator.domain.dataset import DatasetSummary, summary_of, warnings
from nago_orchestrator.errors import InputError
from nago_orchestrator.services.training_configuration import look_at_images
from nago_orchestrator.spec import StudySpec
from nago_trainer.contract.data_report import DataReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    name: str
    path: str | None
    image_size: int
    batch_size: int
    report: DataReport
    summary: DatasetSummary
    warnings: tuple[str, ...]

    @property
    def trainable(self) -> bool:
        return not self.report.problems and not self.report.broken


def check_data(spec: StudySpec) -> DataCheck:
    """Raises InputError where there is nothing to look at, and for a study whose images are in a cluster."""
    report = look_at_images(spec)
    if report is None:
        raise InputError(
            "the images of the study are in the cluster, and this command looks at those of this machine",
            do="give it a study file with execution.where: local and the path of a copy",
        )
    dataset, batch_size = spec.trainer.dataset, spec.trainer.batch_size
    return DataCheck(
        name=dataset.name,
        path=dataset.path,
        image_size=dataset.image_size,
        batch_size=batch_size,
        report=report,
        summary=summary_of(report, batch_size),
        warnings=warnings(report, batch_size),
    )

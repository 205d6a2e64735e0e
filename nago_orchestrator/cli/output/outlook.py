"""One sentence on a study's best generator, and one on how it is resumed."""

from __future__ import annotations

from nago_orchestrator.domain.resuming import can_resume
from nago_orchestrator.domain.rows import GeneratorRow, StudyRow
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted


def resume_hint(study: StudyRow) -> str | None:
    """For a study that nobody runs; None where a resume would not help."""
    return resume_words(study.name) if can_resume(study.state, study.message) else None


def resume_words(name: str) -> str:
    return f"continue with: nago-orch resume {name}"


def best_sentence(best: GeneratorRow | None, nothing: str | None = None) -> str:
    """`nothing`: why there is no best although something was evaluated."""
    if best is None:
        return f"no generator found: {nothing}" if nothing else "nothing has been evaluated yet"
    values = ", ".join(f"{name} {quantities.objective(name, value)}" for name, value in best.objective_values.items())
    return f"best: {values} (proposal {best.proposal}, {counted(best.fidelity, 'epoch')})"

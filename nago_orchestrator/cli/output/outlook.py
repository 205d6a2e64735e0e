"""One sentence on a study's best generator, and one on how it is resumed."""

from __future__ import annotations

from nago_orchestrator.control_loop.planner import FOUND_NOTHING
from nago_orchestrator.domain.rows import GeneratorRow, StudyRow
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted


def resume_hint(study: StudyRow) -> str | None:
    """For a study that nobody runs: what goes on with it; None where nothing would, or it is over."""
    if study.state not in (StudyState.RUNNING, StudyState.PAUSED, StudyState.FAILED):
        return None
    if study.state is StudyState.FAILED and FOUND_NOTHING in (study.message or ""):
        return None
    return f"continue with: nago-orch resume {study.name}"


def best_sentence(best: GeneratorRow | None, nothing: str | None = None) -> str:
    """`nothing`: why there is no best although something was evaluated."""
    if best is None:
        return f"no generator found: {nothing}" if nothing else "nothing has been evaluated yet"
    values = ", ".join(f"{name} {quantities.objective(name, value)}" for name, value in best.objective_values.items())
    return f"best: {values} (proposal {best.proposal}, {counted(best.fidelity, 'epoch')})"

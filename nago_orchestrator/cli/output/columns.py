"""Which keys of the store's rows the tables show, in which order and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nago_orchestrator.cli.output.tables import Column, Printable, Row, as_mapping, value_of
from nago_orchestrator.domain.rows import EvaluationRow, GeneratorRow
from nago_orchestrator.formatting import quantities


def _loss(value: float) -> str:
    return f"{value:.4f}"


def _clock(value: Any) -> str:
    return f"{value.astimezone():%m-%d %H:%M:%S}"


STUDIES = (
    Column(key="name", title="study", right=False),
    Column(key="state", title="state", right=False),
    Column(key="trials", title="trials", show=quantities.count),
    Column(key="finished", title="finished", show=quantities.count),
    Column(key="evaluations", title="evaluations", show=quantities.count),
    Column(key="created_at", title="created", show=_clock),
    Column(key="message", title="why", right=False, folds=True),
)
_OUTCOME = (
    Column(key="validation_accuracy", title="accuracy", show=quantities.percent),
    Column(key="validation_loss", title="loss", show=_loss),
)
_COSTS = (
    Column(key="parameters", title="params", show=quantities.count),
    Column(key="bytes_per_sample", title="memory", show=quantities.size),
    Column(key="nodes", title="nodes", show=quantities.count),
    Column(key="width", title="width"),
)
TRIALS = (
    Column(key="trial", title="trial"),
    Column(key="proposal", title="proposal"),
    Column(key="origin", title="origin", right=False),
    Column(key="state", title="state", right=False),
    Column(key="epochs_done", title="done"),
    Column(key="fidelity", title="epochs"),
    *_OUTCOME,
    *_COSTS,
    Column(key="seconds", title="time", show=quantities.duration),
    Column(key="attempts", title="attempts"),
    Column(key="last_reason", title="last failure", right=False),
)
TRIAL_FACTS = (
    Column(key="study", title="study"),
    *(column for column in TRIALS if column.key not in ("attempts", "last_reason")),
    Column(key="run_of", title="of a run of"),
    Column(key="continued_from", title="continues trial"),
    Column(key="flops", title="flops", show=quantities.count),
    Column(key="balanced_accuracy", title="balanced accuracy", show=quantities.percent),
    Column(key="macro_f1", title="macro F1", show=quantities.percent),
    Column(key="top_5", title="top-5", show=quantities.percent),
    Column(key="worst_class", title="worst class", show=quantities.percent),
    Column(key="calibration_error", title="calibration error", show=quantities.percent),
    Column(key="last_message", title="last failure"),
    Column(key="architecture_hash", title="architecture"),
    Column(key="architecture_seed", title="architecture seed"),
    Column(key="training_seed", title="training seed"),
    Column(key="created_at", title="created", show=quantities.moment),
    Column(key="ended_at", title="ended", show=quantities.moment),
)
ATTEMPTS = (
    Column(key="attempt", title="attempt"),
    Column(key="state", title="state", right=False),
    Column(key="failure", title="failure", right=False),
    Column(key="reason", title="reason", right=False),
    Column(key="node", title="node", right=False),
    Column(key="started_at", title="started", show=_clock),
    Column(key="seconds", title="time", show=quantities.duration),
    Column(key="message", title="message", right=False, folds=True),
)
WAITING = (
    Column(key="trial", title="trial"),
    Column(key="attempt", title="attempt"),
    Column(key="created_at", title="created", show=_clock),
    Column(key="reason", title="waits for", right=False),
    Column(key="message", title="why", right=False, folds=True),
)
EPOCHS = (
    Column(key="attempt", title="attempt"),
    Column(key="epoch", title="epoch"),
    Column(key="training_loss", title="training loss", show=_loss),
    Column(key="training_accuracy", title="training accuracy", show=quantities.percent),
    Column(key="validation_loss", title="validation loss", show=_loss),
    Column(key="validation_accuracy", title="validation accuracy", show=quantities.percent),
    Column(key="seconds", title="time", show=quantities.duration),
)
THETA = (
    Column(key="name", title="hyperparameter", right=False),
    Column(key="value", title="value", show=quantities.number),
)
EVALUATION_FACTS = (
    Column(key="study", title="study"),
    Column(key="proposal", title="proposal"),
    Column(key="evaluation", title="evaluation"),
    Column(key="fidelity", title="epochs"),
    Column(key="samples", title="networks"),
    Column(key="origin", title="origin"),
    Column(key="evaluated_at", title="evaluated", show=quantities.moment),
)
FRONT = (
    Column(key="proposal", title="proposal"),
    Column(key="evaluation", title="evaluation"),
    Column(key="fidelity", title="epochs"),
    Column(key="samples", title="networks"),
    Column(key="origin", title="origin", right=False),
)
EVALUATIONS = (
    Column(key="evaluation", title="evaluation"),
    Column(key="proposal", title="proposal"),
    Column(key="parent", title="parent"),
    Column(key="bracket", title="bracket"),
    Column(key="rung", title="rung"),
    Column(key="fidelity", title="epochs"),
    Column(key="run_of", title="of a run of"),
    Column(key="origin", title="origin", right=False),
    Column(key="evaluations_before", title="evaluations before"),
    Column(key="outcome", title="outcome", right=False),
)
CLASSES = (
    Column(key="class_name", title="class", right=False),
    Column(key="images", title="images", show=quantities.count),
    Column(key="correct", title="correct", show=quantities.count),
    Column(key="accuracy", title="accuracy", show=quantities.percent),
    Column(key="taken_for", title="most often mistaken for", right=False),
)
CONFUSIONS = (
    Column(key="class_name", title="class", right=False),
    Column(key="answer", title="answer", right=False),
    Column(key="images", title="images", show=quantities.count),
)
MISTAKES = (
    Column(key="file", title="file", right=False),
    Column(key="class_name", title="class", right=False),
    Column(key="answer", title="answer", right=False),
    Column(key="probability", title="probability", show=quantities.percent),
)
LEDGER = (
    Column(key="outcome", title="outcome", right=False),
    Column(key="attempts", title="attempts", show=quantities.count),
    Column(key="seconds", title="time", show=quantities.duration),
    Column(key="gpu_seconds", title="GPU time", show=quantities.duration),
)


def with_objectives(columns: Sequence[Column], rows: Iterable[EvaluationRow | GeneratorRow]) -> tuple[Column, ...]:
    """The columns and one more for each objective of the first row that has values; `objectives_apart` fills them."""
    names: Sequence[str] = next((list(row.objective_values) for row in rows if row.objective_values), [])

    def shown(name: str) -> Column:
        return Column(key=name, title=name, show=lambda value: quantities.objective(name, value))

    return (*columns, *(shown(name) for name in names))


def objectives_apart(row: EvaluationRow | GeneratorRow) -> Row:
    """The row's keys, and its objective values by their names."""
    return {**as_mapping(row), **row.objective_values}


def of_study(study: str, row: GeneratorRow) -> Row:
    """The row's keys, that of its study first."""
    return {"study": study, **as_mapping(row)}


def facts(row: Printable, columns: Iterable[Column]) -> list[tuple[str, str]]:
    """Title and text of each column that has a value."""
    return [(column.title, column.text(row)) for column in columns if value_of(row, column.key) is not None]

"""Rows of `study`: create, find, move between states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, or_, select, update

from nago_orchestrator.domain.dataset import DatasetSummary
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome, PriorEvaluation
from nago_orchestrator.domain.states import STUDY_MOVES, StudyState, TrialState
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.errors import NotFoundError, SpecError, StaleStateError
from nago_orchestrator.store.insert import insert_or_ignore
from nago_orchestrator.store.records import LARGEST_OBJECTIVE_COUNT, NewStudy, Study
from nago_orchestrator.store.schema import data_check, study, trial
from nago_trainer.contract.json_form import encode_number
from nago_trainer.contract.task import DatasetSettings, TrainingSettings


def create(connection: Connection, new: NewStudy, now: datetime) -> Study:
    """The study of that name, created if there is none. Raises SpecError where its spec is another one."""
    if len(new.objectives) > LARGEST_OBJECTIVE_COUNT:
        raise SpecError(f"a study has at most {LARGEST_OBJECTIVE_COUNT} objectives, not {len(new.objectives)}")
    existing = _by_name(connection, new.name) or _insert(connection, new, now)
    found = _study(existing)
    refuse_other_spec(found, new.spec_hash)
    return found


def refuse_other_spec(stored: Study, spec_hash: str) -> None:
    """Raises SpecError unless the study of that name is of this spec."""
    if stored.spec_hash != spec_hash and not _means_the_same(stored.spec, spec_hash):
        raise SpecError(
            f"the study {stored.name!r} exists already, with another specification",
            do="choose another name, or submit the unchanged study file",
        )


def _means_the_same(stored: Mapping[str, Any], spec_hash: str) -> bool:
    """Whether a spec that an older version stored is this one, once the keys that are new since have their defaults."""
    from nago_orchestrator.spec import StudySpec  # here, because reading commands load this file and need no pydantic

    try:
        spec = StudySpec.from_canonical(stored)
        return spec_hash in (spec.digest(), spec.as_if_new(stored).digest())
    except ValueError:  # pydantic's ValidationError is one
        return False


def find(connection: Connection, name: str) -> Study:
    """Raises NotFoundError, which names the nearest studies."""
    row = _by_name(connection, name)
    if row is None:
        raise not_found(name, connection.scalars(select(study.c.name).order_by(study.c.id)).all())
    return _study(row)


def find_id(connection: Connection, name: str) -> int:
    """Raises NotFoundError, which names the nearest studies."""
    found = connection.scalar(select(study.c.id).where(study.c.name == name))
    return find(connection, name).id if found is None else found


def not_found(name: str, names: Sequence[str]) -> NotFoundError:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return NotFoundError(f"there is no study {name!r}", do=f"did you mean {' or '.join(map(repr, near))}?")
    if names:
        return NotFoundError(f"there is no study {name!r}", do="`nago-orch list` shows all studies")
    return NotFoundError(
        f"there is no study {name!r}, and the database is empty", do="`nago-orch submit` creates a study"
    )


def unsettled(connection: Connection) -> frozenset[int]:
    """Ids of the studies of which a trial or a check of the images runs, and of those cancelled ones of which a trial
    is still in the queue."""
    loose = or_(
        trial.c.state == TrialState.RUNNING,
        and_(trial.c.state == TrialState.QUEUED, study.c.state == StudyState.CANCELLED),
    )
    there_is_one = exists().where(trial.c.study_id == study.c.id, loose)
    is_checking = exists().where(data_check.c.study_id == study.c.id, data_check.c.ended_at.is_(None))
    return frozenset(connection.scalars(select(study.c.id).where(or_(there_is_one, is_checking))))


def all_studies(connection: Connection) -> tuple[Study, ...]:
    return tuple(_study(row) for row in connection.execute(select(study).order_by(study.c.id)))


def move(connection: Connection, study_id: int, to: StudyState, *, message: str | None, now: datetime) -> None:
    """Compare-and-set by STUDY_MOVES. Raises StaleStateError where the study's state does not allow the move."""
    sources = [state for state, targets in STUDY_MOVES.items() if to in targets]
    moved = connection.execute(
        update(study)
        .where(study.c.id == study_id, study.c.state.in_(sources))
        .values(state=to, message=message, changed_at=now)
    )
    if moved.rowcount != 1:
        row = connection.execute(select(study.c.name, study.c.state).where(study.c.id == study_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no study with the id {study_id}")
        raise StaleStateError(f"the study {row.name!r} is {row.state} and cannot become {to}")


def note_running_time(connection: Connection, study_id: int, seconds: float) -> None:
    connection.execute(update(study).where(study.c.id == study_id).values(ran_seconds=seconds))


def set_dataset(connection: Connection, study_id: int, recipe: TrainingRecipe, dataset: DatasetSummary | None) -> None:
    """Of a study that was created before its images were looked at. Once they were, later calls change nothing."""
    values = {"recipe": asdict(recipe), "dataset": None if dataset is None else asdict(dataset)}
    connection.execute(update(study).where(study.c.id == study_id, study.c.dataset.is_(None)).values(values))


def _by_name(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(study).where(study.c.name == name)).one_or_none()


def _insert(connection: Connection, new: NewStudy, now: datetime) -> Row[Any]:
    values = {
        "name": new.name,
        "spec": dict(new.spec),
        "spec_hash": new.spec_hash,
        "seed": new.seed,
        "objectives": [asdict(objective) for objective in new.objectives],
        "recipe": asdict(new.recipe),
        "dataset": None if new.dataset is None else asdict(new.dataset),
        "prior": [_encode_prior(found) for found in new.prior] or None,
        "state": StudyState.RUNNING,
        "created_at": now,
        "changed_at": now,
    }
    # Another process may create it between our look and our insert; then what it wrote is what counts.
    connection.execute(insert_or_ignore(connection, study).values(values))
    return connection.execute(select(study).where(study.c.name == new.name)).one()


def _study(row: Row[Any]) -> Study:
    return Study(
        id=row.id,
        name=row.name,
        spec=row.spec,
        spec_hash=row.spec_hash,
        seed=row.seed,
        objectives=tuple(_objective(data) for data in row.objectives),
        recipe=_recipe(row.recipe),
        state=StudyState(row.state),
        message=row.message,
        created_at=row.created_at,
        changed_at=row.changed_at,
        ran_seconds=row.ran_seconds,
        prior=tuple(_prior(data) for data in row.prior or ()),
        dataset=None if row.dataset is None else _dataset(row.dataset),
    )


def _encode_prior(found: PriorEvaluation) -> dict[str, Any]:
    return {**asdict(found), "costs": [encode_number(cost) for cost in found.costs]}


def _prior(data: Mapping[str, Any]) -> PriorEvaluation:
    costs = tuple(float(cost) for cost in data["costs"])
    return PriorEvaluation(**{**data, "outcome": Outcome(data["outcome"]), "costs": costs})


def _objective(data: Mapping[str, Any]) -> Objective:
    return Objective(name=data["name"], goal=Goal(data["goal"]), reference=data["reference"])


def _dataset(data: Mapping[str, Any]) -> DatasetSummary:
    lists = {key: tuple(data[key]) for key in ("smallest", "largest", "duplicates") if data.get(key) is not None}
    return DatasetSummary(**{**data, **lists})


def _recipe(data: Mapping[str, Any]) -> TrainingRecipe:
    training = data["training"]
    settings = {
        "dataset": DatasetSettings(**data["dataset"]),
        "training": TrainingSettings(**{**training, "measures": tuple(training.get("measures", ()))}),
    }
    return TrainingRecipe(**{**data, **settings})

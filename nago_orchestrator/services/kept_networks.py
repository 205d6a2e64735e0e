"""Where the saved networks of a study are, for whoever sits at this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from nago_orchestrator.bootstrap import runs_folder
from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.domain.kept_networks import FoundNetwork, KeptNetwork
from nago_orchestrator.domain.rows import widened
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.kubernetes import CheckpointsSection
from nago_orchestrator.store.engine import OpenDatabase
from nago_orchestrator.store.kept_networks import kept_networks
from nago_orchestrator.store.store import Store, open_store

HERE = "here"


def found_networks(
    engine: OpenDatabase, url: str, study: str, trials: Collection[int] | None = None
) -> list[FoundNetwork]:
    """By trial; `trials`: only theirs. Raises DatabaseError, or NotFoundError without the study."""
    rows = kept_networks(engine, study, trials)
    if not rows:
        return []
    store = open_store(url)
    try:
        claim = _claim(store, study)
        return [_found(row, store, claim) for row in rows]
    finally:
        store.close()


def network_places(engine: OpenDatabase, url: str, study: str, trials: Collection[int] | None = None) -> dict[int, str]:
    """By trial: the file, or in words where it is. Arguments and errors as of `found_networks`."""
    return {row.trial: row.file or row.place for row in found_networks(engine, url, study, trials)}


def final_places(engine: OpenDatabase, url: str, study: str, trained: Iterable[FinalTraining]) -> dict[int, str]:
    """The same, of the networks of the final training."""
    return network_places(engine, url, study, [trial.trial for row in trained for trial in row.trials])


def _claim(store: Store, study: str) -> CheckpointsSection | None:
    section = StudySpec.from_canonical(store.study(study).spec).execution.kubernetes
    return None if section is None else section.checkpoints


def _found(row: KeptNetwork, store: Store, claim: CheckpointsSection | None) -> FoundNetwork:
    """Also where the database and its folder of attempts were moved together since, or the volume is mounted here.

    The path is what a trainer wrote, and in a cluster that may be any text. Trainers write absolute ones: another
    would lead to whatever lies in the folder that the command is called in.
    """
    stored = Path(row.network)
    candidates = [stored] if stored.is_absolute() else []
    if row.executor == "local":
        candidates.append(runs_folder(store) / row.study / row.attempt / stored.name)
    file = next((candidate.absolute() for candidate in candidates if _is_file(candidate)), None)
    if file is not None:
        return widened(FoundNetwork, row, file=str(file), place=HERE)
    return widened(FoundNetwork, row, file=None, place=_elsewhere(row, claim))


def _is_file(candidate: Path) -> bool:
    """A path that cannot be followed leads to nothing here: another user's home, a name that no file can have."""
    try:
        return candidate.is_file()
    except (OSError, ValueError):
        return False


def _elsewhere(row: KeptNetwork, claim: CheckpointsSection | None) -> str:
    if row.executor != "local" and claim is not None:
        stored, mounted = PurePosixPath(row.network), PurePosixPath(claim.mount_path)
        inside = stored.relative_to(mounted) if stored.is_relative_to(mounted) else stored
        return f"{inside} in the claim {claim.claim}"
    on = f" on {row.node}" if row.node else ""
    return f"{row.network}, which is not on this machine; it was saved{on}"

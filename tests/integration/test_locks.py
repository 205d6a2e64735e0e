"""One writer per study, and two writers that race for one transition: exactly one wins."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.errors import DatabaseError, HeldError, ReplacedError, StaleStateError
from nago_orchestrator.store import lock
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.store import Store, open_store
from tests.store_scene import ENDED, NEW_STUDY, NOW, RESULT, Scene
from tests.waiting import PATIENCE_SECONDS

RACERS = 4


@pytest.fixture
def rival(database_url: str) -> Store:
    """Another orchestrator's store on the same database."""
    return Store(connect(database_url, busy_timeout_seconds=PATIENCE_SECONDS))


def test_the_second_orchestrator_is_told_who_holds_the_study(scene: Scene, rival: Store) -> None:
    study = scene.study.id
    with scene.store.hold(study, "pid 7 on node-a since noon") as hold:
        assert hold.still_held()
        assert rival.holder(study) == "pid 7 on node-a since noon"
        with pytest.raises(HeldError, match=r"'digits-demo' is already run .*pid 7 on node-a since noon"):
            rival.hold(study, "pid 8").__enter__()
        assert hold.still_held()


def test_the_holder_is_told_with_a_whole_time_or_none(scene: Scene, rival: Store) -> None:
    pod, time = "pid 1 on nago-orchestrator-75b5f8d949-twd8f", " since 2026-11-22T17:27:50+00:00"
    with scene.store.hold(scene.study.id, pod + time):
        assert rival.holder(scene.study.id) in (pod, pod + time)


def test_a_study_can_be_held_again_after_its_holder_went(scene: Scene, rival: Store) -> None:
    study = scene.study.id
    for _ in range(3):
        with scene.store.hold(study, "first"):
            pass
        assert scene.store.holder(study) is None
        with rival.hold(study, "second"):
            assert scene.store.holder(study) == "second"


def test_a_hold_ends_with_an_error_too(scene: Scene) -> None:
    with pytest.raises(KeyError), scene.store.hold(scene.study.id, "me"):
        raise KeyError
    assert scene.store.holder(scene.study.id) is None


def test_studies_are_held_one_by_one(scene: Scene, rival: Store) -> None:
    with scene.store.hold(scene.study.id, "me"), rival.hold(scene.study.id + 1, "you"):
        assert scene.store.holder(scene.study.id) == "me"
        assert scene.store.holder(scene.study.id + 1) == "you"


def test_work_goes_on_while_a_study_is_held(scene: Scene, rival: Store) -> None:
    with scene.store.hold(scene.study.id, "me"):
        scene.propose()
        rival.move_study(scene.study.id, StudyState.PAUSED, message=None, now=NOW)
        assert scene.store.study(scene.study.name).state is StudyState.PAUSED


@pytest.mark.slow
def test_a_killed_holder_leaves_nothing_behind(scene: Scene, database_url: str) -> None:
    program = (
        "import sys; from nago_orchestrator.store.store import open_store\n"
        "with open_store(sys.argv[1]).hold(int(sys.argv[2]), 'the late one'): print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", program, database_url, str(scene.study.id)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert scene.store.holder(scene.study.id) == "the late one"
        process.send_signal(signal.SIGKILL)
    assert scene.store.holder(scene.study.id) is None
    with scene.store.hold(scene.study.id, "next"):
        assert scene.store.holder(scene.study.id) == "next"


def test_a_hold_notices_that_its_lock_file_was_removed(sqlite_template: Path, tmp_path: Path) -> None:
    store = Store(connect(str(shutil.copy(sqlite_template, tmp_path))))
    study = store.create_study(NEW_STUDY, NOW).id
    with store.hold(study, "me") as hold:
        next(tmp_path.glob("*.lock")).unlink()
        assert not hold.still_held()
    assert store.holder(study) is None


def test_a_lock_file_stands_beside_its_database_only_while_it_is_held(sqlite_template: Path, tmp_path: Path) -> None:
    store = Store(connect(str(shutil.copy(sqlite_template, tmp_path))))
    study = store.create_study(NEW_STUDY, NOW)
    with store.hold(study.id, lock.describe_holder(NOW)):
        (path,) = tmp_path.glob("*.lock")
        assert path.read_text().startswith("pid ")
        assert path.read_text().endswith("since 2026-05-04T12:00:00+00:00\n")
    assert not path.exists()


@pytest.mark.parametrize("links", ["the file", "its folder", "both"])
def test_a_symbolic_link_leads_to_the_same_lock(sqlite_template: Path, tmp_path: Path, links: str) -> None:
    real = tmp_path / "real"
    real.mkdir()
    shutil.copy(sqlite_template, real / "nago.sqlite")
    (tmp_path / "folder").symlink_to(real)
    (tmp_path / "file.sqlite").symlink_to(real / "nago.sqlite")
    (tmp_path / "both.sqlite").symlink_to(tmp_path / "folder" / "nago.sqlite")
    names = {"the file": "file.sqlite", "its folder": "folder/nago.sqlite", "both": "both.sqlite"}
    store = open_store(str(real / "nago.sqlite"))
    study = store.create_study(NEW_STUDY, NOW).id
    rival = open_store(str(tmp_path / names[links]))
    with store.hold(study, "pid 7"):
        assert rival.holder(study) == "pid 7"
        with pytest.raises(HeldError, match="pid 7"):
            rival.hold(study, "pid 8").__enter__()


def test_a_file_with_two_names_is_not_run(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "nago.sqlite"
    shutil.copy(sqlite_template, path)
    store = open_store(str(path))
    study = store.create_study(NEW_STUDY, NOW).id
    (tmp_path / "second.sqlite").hardlink_to(path)
    with pytest.raises(DatabaseError, match=r"has 2 hard links .*: stop everything that uses it"):
        store.hold(study, "pid 7").__enter__()


def test_only_one_of_many_gets_the_study(scene: Scene, rival: Store) -> None:
    barrier = Barrier(RACERS)

    def take(place: int) -> bool:
        barrier.wait()
        try:
            with (scene.store if place % 2 else rival).hold(scene.study.id, f"racer {place}") as hold:
                barrier.wait()
                return hold.still_held()
        except HeldError:
            barrier.wait()
            return False

    with ThreadPoolExecutor(RACERS) as pool:
        for _ in range(5):
            assert sum(pool.map(take, range(RACERS))) == 1


def _race(action: Callable[[int], object]) -> tuple[int, int]:
    """Runs the action in several threads at the same moment: how many won, how many were told that they lost."""
    barrier = Barrier(RACERS)

    def run(place: int) -> bool:
        barrier.wait()
        try:
            action(place)
        except StaleStateError:
            return False
        return True

    with ThreadPoolExecutor(RACERS) as pool:
        won = list(pool.map(run, range(RACERS)))
    return sum(won), RACERS - sum(won)


def _start(scene: Scene) -> Callable[[int], object]:
    scene.propose()
    trial = scene.trial_id(0)
    return lambda place: scene.store.add_attempt(
        trial, NewAttempt(name="a", token=f"t{place}", executor="local", gpus=0), NOW
    )


def _mark(scene: Scene) -> Callable[[int], object]:
    scene.propose()
    attempt = scene.attempt(0, running=False)
    return lambda place: scene.store.mark_running(attempt.id, node=str(place), uid=None, now=NOW)


def _accept(scene: Scene) -> Callable[[int], object]:
    scene.propose()
    attempt = scene.attempt(0)
    return lambda place: scene.store.accept_result(attempt.id, RESULT, observation=ENDED, now=NOW)


def _accept_or_end(scene: Scene) -> Callable[[int], object]:
    scene.propose()
    attempt = scene.attempt(0)

    def act(place: int) -> None:
        if place % 2:
            scene.store.accept_result(attempt.id, RESULT, observation=ENDED, now=NOW)
        else:
            scene.fail(attempt, Failure.DEFECT, TrialState.FAILED)  # one that is queued again would take a late result

    return act


def _move(scene: Scene) -> Callable[[int], object]:
    return lambda place: scene.store.move_study(scene.study.id, StudyState.COMPLETED, message=str(place), now=NOW)


def _propose(scene: Scene) -> Callable[[int], object]:
    return lambda place: scene.propose(number=0)


def _tell(scene: Scene) -> Callable[[int], object]:
    scene.propose()
    return lambda place: scene.evaluate(0, float(place), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [_start, _mark, _accept, _accept_or_end, _move, _propose, _tell])
def test_of_several_writers_exactly_one_wins(scene: Scene, prepare: Callable[[Scene], Callable[[int], object]]) -> None:
    assert _race(prepare(scene)) == (1, RACERS - 1)
    attempts = [attempt for trial in scene.store.active_trials(scene.study.id) for attempt in trial.attempts]
    assert len([attempt for attempt in attempts if attempt.state is not AttemptState.FAILED]) <= 1


def test_several_processes_may_create_the_same_study(scene: Scene) -> None:
    def create(_: int) -> int:
        return scene.store.create_study(NEW_STUDY, NOW + timedelta(seconds=1)).id

    with ThreadPoolExecutor(RACERS) as pool:
        assert set(pool.map(create, range(RACERS))) == {scene.study.id}


@pytest.mark.parametrize("replace", [False, True])
def test_a_database_file_that_is_taken_away_ends_the_hold_loudly(tmp_path: Path, replace: bool) -> None:
    """The open connections would go on writing into a file that nobody finds any more."""
    file = tmp_path / "nago.sqlite"
    store = open_store(str(file))
    study = store.create_study(NEW_STUDY, NOW)
    with store.hold(study.id, "me") as hold:
        assert hold.still_held()
        file.rename(tmp_path / "moved")
        if replace:
            file.write_text("another file")
        with pytest.raises(ReplacedError, match=r"was deleted, moved or replaced .*nago\.sqlite"):
            hold.still_held()

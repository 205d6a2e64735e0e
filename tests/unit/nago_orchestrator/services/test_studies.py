"""What the commands do to a study, without the command line."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from nago_orchestrator.bootstrap import runs_folder
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.errors import InputError, NagoError, NotFoundError, SpecError
from nago_orchestrator.search.final_training import final_recipe
from nago_orchestrator.services.studies import cancel_study, pause_study, resume_study, submit_study
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.records import NewStudy
from nago_orchestrator.store.store import open_store
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, TEST, VALIDATION
from tests.simulated_executor import SimulatedExecutor
from tests.store_scene import Scene
from tests.studies import OF_TODAY, RECIPE, SMALL_BOHB, Orchestrator, create, small_spec
from tests.trainer_scene import small_trial

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    return str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))


@pytest.mark.slow
def test_submitting_keeps_what_the_trainer_says_of_the_dataset_and_twice_is_once(url: str) -> None:
    study = submit_study(small_spec(), url, NOW)
    assert (study.recipe.dataset.channels, study.recipe.dataset.classes) == (1, 10)
    assert study.recipe.dataset.split_seed == study.seed == 3
    assert submit_study(small_spec(), url, NOW + timedelta(hours=1)) == study
    with pytest.raises(SpecError, match="another specification"):
        submit_study(small_spec(seed="4"), url, NOW)


def _float_study(folder: Path) -> StudySpec:
    """Of photographs as floats from 0 to 1, which version 0.1.0 took for black ones."""
    for name in ("a/0.tif", "a/1.tif", "a/2.tif", "b/0.tif", "b/1.tif", "b/2.tif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("F", (8, 8), 0.5).save(folder / name)
    return parse_study_spec(SMALL_BOHB.replace("{name: digits}", f"{{name: folder, path: {folder}}}"), "its file")


def test_a_new_study_reads_its_images_by_todays_rules_and_one_of_before_by_its_own(url: str, tmp_path: Path) -> None:
    spec = _float_study(tmp_path / "images")
    assert submit_study(spec, url, NOW).recipe.dataset.image_rules == IMAGE_RULES
    with closing(sqlite3.connect(url)) as connection, connection:  # as version 0.1.0 stored it
        connection.execute("UPDATE study SET recipe = json_remove(recipe, '$.dataset.image_rules')")
    Image.new("F", (8, 8), 200).save(tmp_path / "images/a/0.tif")  # was right, and today would be refused
    assert submit_study(spec, url, NOW).recipe.dataset.image_rules == FORMER_IMAGE_RULES
    with pytest.raises(InputError, match=r"floats from 200 to 200, which are not between 0 and 1 \(.*a/0\.tif\)"):
        submit_study(spec.model_copy(update={"name": "new"}), url, NOW)


def test_a_study_of_an_older_version_is_the_same_though_the_file_has_new_keys(url: str) -> None:
    spec = small_spec()
    older = {key: value for key, value in spec.canonical().items() if key not in ("final_training", "warm_start")}
    new = NewStudy(
        name=spec.name,
        spec=older,
        spec_hash="0" * 64,
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=RECIPE,
    )
    stored = open_store(url).create_study(new, NOW)
    assert submit_study(spec, url, NOW) == stored
    with pytest.raises(SpecError, match="another specification"):
        submit_study(small_spec(seed="4"), url, NOW)


def test_an_unchanged_file_of_before_is_its_study_which_goes_on_without_test_images(url: str) -> None:
    spec = small_spec()
    assert spec.trainer.dataset.test_fraction == 0.2
    older = spec.canonical()
    del older["trainer"]["dataset"]["test_fraction"]
    new = NewStudy(
        name=spec.name,
        spec=older,
        spec_hash="0" * 64,
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=RECIPE,
    )
    stored = open_store(url).create_study(new, NOW)
    assert stored.recipe.dataset.test_fraction == 0
    assert submit_study(spec, url, NOW) == stored
    assert final_recipe(stored.recipe, {}).dataset.measured_on == VALIDATION
    assert final_recipe(study_recipe(spec), {}).dataset.measured_on == TEST


@pytest.mark.slow
def test_a_study_begins_from_what_others_have_found(url: str) -> None:
    store = open_store(url)
    before = create(store, small_spec(name="before"), OF_TODAY)
    assert Orchestrator(store, before, SimulatedExecutor()).run() is StudyState.COMPLETED
    study = submit_study(small_spec(name="after", warm_start="[before]", fidelities="[2, 4]"), url, NOW)
    _, evaluations = store.history(before.id)
    proposals = {proposal.number: proposal for proposal in store.history(before.id)[0]}
    at_its_fidelities = [found for found in evaluations if proposals[found.proposal].fidelity in (2, 4)]
    assert [prior.costs for prior in study.prior] == [found.costs for found in at_its_fidelities]
    assert submit_study(small_spec(name="after", warm_start="[before]", fidelities="[2, 4]"), url, NOW) == study


@pytest.mark.slow
def test_a_study_learns_from_trials_in_its_own_objectives(url: str) -> None:
    store = open_store(url)
    before = create(store, small_spec(name="before"), OF_TODAY)
    assert Orchestrator(store, before, SimulatedExecutor()).run() is StudyState.COMPLETED
    after = small_spec(
        name="after", warm_start="[before]", objectives="[{name: error}, {name: loss}, {name: memory}, {name: seconds}]"
    )
    study = submit_study(after, url, NOW)
    found = [told for told in store.history(before.id)[1] if told.outcome is Outcome.OK]
    assert found
    for prior, told in zip(study.prior, found, strict=True):
        error, loss, memory, seconds = prior.costs
        assert error == loss == pytest.approx(1.0 - told.values["accuracy"])
        assert memory > 0
        assert seconds == prior.fidelity


@pytest.mark.slow
@pytest.mark.parametrize(
    ("search", "learnt"),
    [
        ("{algorithm: ehvi, evaluations: 9}", [4]),
        ("{algorithm: ehvi, evaluations: 9, fidelity: 2}", [2]),
        ("{algorithm: mobohb, iterations: 1}", [1, 2, 4]),
        (
            "{algorithm: phases, phases: [{algorithm: random, proposals: 9}, {algorithm: ehvi, evaluations: 9}]}",
            [4],
        ),
    ],
)
def test_a_study_begins_with_what_one_of_its_searches_learns_from(url: str, search: str, learnt: list[int]) -> None:
    store = open_store(url)
    objectives = "[{name: accuracy}, {name: memory}]"
    before = create(store, small_spec(name="before", objectives=objectives), OF_TODAY)
    assert Orchestrator(store, before, SimulatedExecutor()).run() is StudyState.COMPLETED
    after = small_spec(name="after", warm_start="[before]", objectives=objectives, search=search)
    study = submit_study(after, url, NOW)
    assert sorted({prior.fidelity for prior in study.prior}) == learnt


def test_a_study_that_could_learn_from_nothing_is_refused(url: str) -> None:
    store = open_store(url)
    objectives = "[{name: accuracy}, {name: memory}]"
    random = "{algorithm: random, proposals: 3}"
    before = create(store, small_spec(name="before", objectives=objectives, fidelities="[1]", search=random), OF_TODAY)
    assert Orchestrator(store, before, SimulatedExecutor()).run() is StudyState.COMPLETED
    search = "{algorithm: ehvi, evaluations: 9, fidelity: 2}"
    after = small_spec(name="after", warm_start="[before]", objectives=objectives, fidelities="[1, 2]", search=search)
    words = "the search by ehvi learns from trials of 2 epochs, and it has trials of 1 epoch"
    with pytest.raises(SpecError, match=words):
        submit_study(after, url, NOW)


def test_a_study_does_not_begin_from_one_of_before_whose_search_saw_its_test_images(url: str) -> None:
    create(open_store(url), small_spec(name="before"))
    with pytest.raises(SpecError, match="its search has seen test images of this study"):
        submit_study(small_spec(name="after", warm_start="[before]"), url, NOW)
    without = SMALL_BOHB.replace("{name: digits}", "{name: digits, test_fraction: 0}") + "warm_start: [before]\n"
    with pytest.raises(SpecError, match="it has no evaluation yet"):
        submit_study(parse_study_spec(without, "its file"), url, NOW)


def test_a_study_cannot_begin_from_one_that_is_not_there(url: str) -> None:
    with pytest.raises(NotFoundError, match="no study 'before'"):
        submit_study(small_spec(name="after", warm_start="[before]"), url, NOW)
    assert open_store(url).studies() == ()


def test_a_study_is_paused_resumed_and_cancelled(url: str) -> None:
    create(open_store(url), small_spec())
    assert pause_study("small", url, NOW).state is StudyState.PAUSED
    assert pause_study("small", url, NOW).state is StudyState.PAUSED
    assert resume_study("small", url, NOW).state is StudyState.RUNNING
    assert cancel_study("small", url, NOW).state is StudyState.CANCELLED
    assert cancel_study("small", url, NOW).state is StudyState.CANCELLED
    with pytest.raises(NagoError, match="cannot be resumed"):
        resume_study("small", url, NOW)
    with pytest.raises(NagoError, match="only a running study"):
        pause_study("small", url, NOW)


def test_a_cancellation_that_has_to_wait_says_what_for(url: str) -> None:
    store = open_store(url)
    scene = Scene(store, create(store, small_spec()))
    scene.propose(small_trial(), fidelity=1)
    scene.attempt(0)
    obstacle = runs_folder(store)
    obstacle.write_text("no folder")
    told: list[Event] = []

    def hear(event: Event) -> None:
        told.append(event)
        obstacle.unlink(missing_ok=True)

    assert cancel_study("small", url, NOW, hear).state is StudyState.CANCELLED
    assert told[0].kind is EventKind.TROUBLE
    assert "cannot use the folder of the attempts" in told[0].message


def test_somebody_who_holds_a_cancelled_study_is_left_to_wind_it_up(url: str) -> None:
    store = open_store(url)
    study = create(store, small_spec())
    with store.hold(study.id, "pid 4711 on saturn"):
        assert cancel_study("small", url, NOW).state is StudyState.CANCELLED

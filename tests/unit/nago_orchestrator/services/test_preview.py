"""A study before it costs anything."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nago_orchestrator.errors import InputError, NagoError, SpecError
from nago_orchestrator.executors.kubernetes.manifest.secret import secret_name
from nago_orchestrator.services.preview import (
    FIRST_PROPOSALS,
    TOKEN,
    first_job,
    preview_study,
    study_cost,
)
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.store import open_store
from tests.conftest import PostgresDatabases
from tests.studies import RECIPE, SMALL_BOHB, small_spec

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def in_cluster(section: str = "image: trainer", dataset: str = "{name: digits}", limit: int = 3000) -> StudySpec:
    execution = f"{{where: kubernetes, parallelism: 3, kubernetes: {{{section}}}}}"
    text = SMALL_BOHB.replace("{parallelism: 1}", execution).replace("{name: digits}", dataset)
    return parse_study_spec(text.replace("parameter_limit: 3000", f"parameter_limit: {limit}"), "the test's study")


def test_the_first_proposals_are_those_of_the_study() -> None:
    preview = preview_study(small_spec(), RECIPE)
    assert [proposal.number for proposal, _ in preview.drawn] == list(range(FIRST_PROPOSALS))
    assert len(preview.feasible) == FIRST_PROPOSALS
    task = preview.first_task()
    assert (task.trial, task.attempt, task.epochs, task.token) == (0, 1, 1, TOKEN)


def test_no_more_are_drawn_than_the_first_few_or_than_there_are() -> None:
    many = preview_study(small_spec(search="{algorithm: random, proposals: 50}"), RECIPE)
    few = preview_study(small_spec(search="{algorithm: random, proposals: 2}"), RECIPE)
    assert (len(many.drawn), len(few.drawn)) == (FIRST_PROPOSALS, 2)


def test_the_first_job_is_the_one_that_would_be_sent() -> None:
    preview = preview_study(in_cluster(), RECIPE)
    job = first_job(preview, NOW)
    assert job["metadata"]["name"] == "small-t00000-a1"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "trainer"
    secret = {"name": secret_name("small-t00000-a1", TOKEN), "key": "token"}
    assert {"name": "NAGO_TOKEN", "valueFrom": {"secretKeyRef": secret}} in container["env"]


def test_networks_that_cannot_be_trained_are_told() -> None:
    spec = in_cluster(limit=10)
    preview = preview_study(spec, study_recipe(spec))
    assert preview.feasible == ()
    with pytest.raises(NagoError, match="none of the first 8 networks of the study can be trained"):
        preview.first_task()


def test_a_study_without_a_cluster_s_section_has_no_job() -> None:
    with pytest.raises(InputError, match=r"execution\.kubernetes"):
        first_job(preview_study(small_spec(), RECIPE), NOW)


@pytest.mark.parametrize(
    ("changes", "trials", "epochs", "most"),
    [
        ({}, 26, 64, None),
        ({"architectures_per_proposal": "2"}, 52, 128, None),
        ({"limits": "{trials: 10}"}, 26, 64, 10),
        ({"limits": "{trials: 100}"}, 26, 64, None),
    ],
)
def test_the_cost_in_trials_and_epochs(changes: dict[str, str], trials: int, epochs: int, most: int | None) -> None:
    cost = study_cost(small_spec(**changes))
    assert (cost.trials, cost.epochs, cost.most_trials) == (trials, epochs, most)


@pytest.mark.parametrize("extra", [True, False])
def test_a_template_that_undoes_what_must_stand_is_refused_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: bool
) -> None:
    if not extra:
        for module in ("kubernetes", "kubernetes.utils.quantity"):
            monkeypatch.setitem(sys.modules, module, None)
    url = str(tmp_path / "nago.sqlite")
    with pytest.raises(SpecError, match="gives the pod access to its node"):
        submit_study(in_cluster("image: trainer, pod_template: {spec: {hostNetwork: true}}"), url, NOW)
    assert open_store(url).studies() == ()


@pytest.mark.parametrize(
    ("dataset", "channels", "classes"),
    [
        ("{name: digits}", 1, 10),
        ("{name: cifar100, path: /data/cifar}", 3, 100),
        ("{name: folder, path: /data/leaves, classes: 17, channels: 4}", 4, 17),
    ],
)
def test_of_images_in_the_cluster_what_is_known_is_taken(dataset: str, channels: int, classes: int) -> None:
    recipe = study_recipe(in_cluster(dataset=dataset))
    assert (recipe.dataset.channels, recipe.dataset.classes) == (channels, classes)


@pytest.mark.parametrize(
    ("dataset", "prepared"),
    [
        ("{name: digits}", None),
        ("{name: folder, path: /data/leaves, classes: 17, channels: 3}", "/prepared"),
        ("{name: folder, path: /data/leaves, classes: 17, channels: 3, prepared: /prepared/mine}", "/prepared/mine"),
    ],
)
def test_prepared_images_lie_on_their_volume(dataset: str, prepared: str | None) -> None:
    recipe = study_recipe(in_cluster("image: trainer, prepared: {claim: fast}", dataset=dataset))
    assert recipe.dataset.prepared == prepared


def test_a_folder_for_prepared_images_in_a_cluster_is_absolute() -> None:
    with pytest.raises(SpecError, match=r"is relative \('mine'\), and must be a path in the trainer's container"):
        in_cluster(dataset="{name: folder, path: /data/leaves, classes: 2, channels: 3, prepared: mine}")


def test_digits_are_not_prepared() -> None:
    with pytest.raises(SpecError, match=r"has the key memory, but digits is read whole, and fast .*: remove the key"):
        in_cluster(dataset="{name: digits, memory: 1 GB}")


def test_a_study_for_a_cluster_is_submitted_without_the_extra_and_shown_with_it(
    postgres: PostgresDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("kubernetes", "kubernetes.utils.quantity"):
        monkeypatch.setitem(sys.modules, module, None)
    spec = in_cluster("image: trainer, cpu: 12e9, shared_memory: 100000000u")
    url = postgres.without_rows()
    submit_study(spec, url, NOW)
    assert len(open_store(url).studies()) == 1
    with pytest.raises(InputError, match=r"pip install 'nago-orchestrator\[kubernetes\]'"):
        first_job(preview_study(spec, study_recipe(spec)), NOW)


def test_of_a_folder_in_the_cluster_nothing_is_known() -> None:
    with pytest.raises(InputError, match=r"give trainer\.dataset\.classes and trainer\.dataset\.channels"):
        study_recipe(in_cluster(dataset="{name: folder, path: /data/leaves}"))


def test_a_machine_without_torch_trains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Torch is installed here.
    monkeypatch.setattr("nago_orchestrator.services.training_configuration.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"execution\.where: kubernetes"):
        study_recipe(small_spec())
    assert study_recipe(in_cluster()).dataset.classes == 10

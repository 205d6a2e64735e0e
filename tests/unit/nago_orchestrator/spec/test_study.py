from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.space import FloatRange, IntegerRange
from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.spec.search import BohbSection, MoboSection, PhasesSection, RandomSection
from nago_trainer.architecture.theta import HYPERPARAMETERS


def study(text: str) -> StudySpec:
    return parse_study_spec(text, "study.yaml")


def test_defaults_of_the_smallest_study(small_study: str) -> None:
    spec = study(small_study)
    assert spec.seed == 0
    assert spec.objective_values() == (Objective(name="accuracy", goal=Goal.MAXIMIZE, reference=None),)
    assert spec.fidelities == (3, 6, 12)
    assert spec.trainer.parameter_limit == 50_000
    assert spec.execution.parallelism == 1


def test_bohb_has_the_defaults_of_hpbandster(small_study: str) -> None:
    """They are None (dimensions + 1), 15, 64, 1/3, 3 and 1e-3 in its version 0.7.4."""
    search = study(small_study).search
    assert isinstance(search, BohbSection)
    assert (search.objective, search.min_points_in_model, search.top_n_percent, search.num_samples) == (
        "accuracy",
        9,
        15,
        64,
    )
    assert (search.random_fraction, search.bandwidth_factor, search.min_bandwidth) == (1 / 3, 3, 1e-3)


def test_random_search_needs_no_ladder(small_study: str) -> None:
    text = small_study.replace("algorithm: bohb, iterations: 8", "algorithm: random, proposals: 20")
    spec = study(text.replace("[3, 6, 12]", "[5, 7]"))
    assert isinstance(spec.search, RandomSection)
    assert spec.search.proposals == 20


@pytest.mark.parametrize("ladder", [[7], [3, 6], [1, 3, 9, 27], [30, 60, 120]])
def test_ladders_that_bohb_can_climb(small_study: str, ladder: list[int]) -> None:
    assert study(small_study.replace("[3, 6, 12]", str(ladder))).fidelities == tuple(ladder)


def test_cifar_has_the_recipe_of_the_paper(small_study: str) -> None:
    trainer = study(small_study.replace("name: digits", "name: cifar10, path: data")).trainer
    assert (trainer.parameter_limit, trainer.batch_size, trainer.learning_rate) == (4_000_000, 96, 0.025)
    assert (trainer.momentum, trainer.weight_decay, trainer.gradient_clip) == (0.9, 3e-4, 5)
    assert (trainer.crop_padding, trainer.horizontal_flip, trainer.cutout) == (4, True, 16)


def test_cutout_and_cropping_follow_the_image_size(small_study: str) -> None:
    trainer = study(small_study.replace("name: digits", "name: folder, path: data, image_size: 224")).trainer
    assert (trainer.crop_padding, trainer.cutout) == (28, 112)


def test_what_is_written_beats_the_default_of_the_dataset(small_study: str) -> None:
    trainer = study(f"{small_study}  parameter_limit: 4.0e6\n  horizontal_flip: true\n  cutout: 2\n").trainer
    assert (trainer.parameter_limit, trainer.horizontal_flip, trainer.cutout) == (4_000_000, True, 2)


def test_the_search_space_is_the_papers_by_default(small_study: str) -> None:
    space = study(small_study).search_space()
    assert [dimension.name for dimension in space.dimensions] == [
        item.name for item in HYPERPARAMETERS if item.is_searched
    ]
    for dimension in space.dimensions:
        default = next(item.default for item in HYPERPARAMETERS if item.name == dimension.name)
        assert (dimension.low, dimension.high) == default
    assert space.fixed == {item.name: item.default for item in HYPERPARAMETERS if not item.is_searched}


def test_ranges_fixed_values_and_the_word_paper(small_study: str) -> None:
    choices = (
        "{top_nodes: {low: 3.0, high: 6}, mid_nodes: 1.0, top_p: 1, bottom_p: paper, merge_concat: {low: 0, high: 1}}"
    )
    space = study(f"{small_study}space: {{connected: true, hyperparameters: {choices}}}").search_space()
    dimensions = {dimension.name: dimension for dimension in space.dimensions}
    assert space.connected
    assert dimensions["top_nodes"] == IntegerRange(name="top_nodes", low=3, high=6)
    assert dimensions["bottom_p"] == FloatRange(name="bottom_p", low=0.1, high=0.9)
    assert dimensions["merge_concat"] == FloatRange(name="merge_concat", low=0, high=1)
    assert (space.fixed["mid_nodes"], space.fixed["top_p"]) == (1, 1.0)
    assert (type(space.fixed["mid_nodes"]), type(space.fixed["top_p"])) == (int, float)


def test_hyperparameters_are_those_of_the_generator_in_its_order(small_study: str) -> None:
    written = study(small_study).canonical()["space"]["hyperparameters"]
    assert list(written) == [item.name for item in HYPERPARAMETERS]


def test_objectives_know_their_goal_and_their_unit(small_study: str) -> None:
    text = f"{small_study}objectives: [{{name: error}}, {{name: memory, goal: minimize, reference: 60KiB}}]"
    assert study(text).objective_values() == (
        Objective(name="error", goal=Goal.MINIMIZE, reference=None),
        Objective(name="memory", goal=Goal.MINIMIZE, reference=61_440.0),
    )
    assert study(text).canonical()["search"]["objective"] == "error"


def test_the_canonical_form_is_json_and_gives_the_same_spec(small_study: str) -> None:
    objectives = "objectives: [{name: accuracy}, {name: memory, reference: 2 MiB}]"
    text = f"{small_study}{objectives}\nlimits: {{wall_time: 1h30m}}"
    spec = study(text)
    canonical = json.loads(json.dumps(spec.canonical(), allow_nan=False))
    assert canonical == spec.canonical()
    assert canonical["limits"]["wall_time"] == 5400
    assert StudySpec.from_canonical(canonical) == spec
    assert StudySpec.from_canonical(canonical).digest() == spec.digest()


def test_a_canonical_form_with_an_unknown_key_is_refused(small_study: str) -> None:
    with pytest.raises(ValidationError):
        StudySpec.from_canonical({**study(small_study).canonical(), "colour": "blue"})


@pytest.mark.parametrize(
    "addition",
    [
        "seed: 0",
        "seed: 0.0",
        "space: {hyperparameters: {top_nodes: paper, mid_p: {low: 0.1, high: 0.9}, channel_ratio_3: 4}}",
        "objectives: [{name: accuracy, goal: maximize}]",
        "limits: {failed_fraction: 0.50}",
        "retries: {pause: 5s}",
        "  batch_size: 64 # a remark",
    ],
)
def test_the_digest_does_not_depend_on_how_the_same_is_said(small_study: str, addition: str) -> None:
    assert study(f"{small_study}{addition}\n").digest() == study(small_study).digest()


@pytest.mark.parametrize("addition", ["seed: 1", "  batch_size: 65", "space: {connected: true}"])
def test_the_digest_changes_with_what_is_said(small_study: str, addition: str) -> None:
    assert study(f"{small_study}{addition}\n").digest() != study(small_study).digest()


def test_a_spec_is_frozen(small_study: str) -> None:
    spec = study(small_study)
    with pytest.raises(ValidationError, match="frozen"):
        spec.seed = 3


PHASES = """\
search:
  algorithm: phases
  phases:
    - {algorithm: bohb, iterations: 6}
    - {algorithm: mobo, evaluations: 16, fidelity: 6}
objectives: [{name: error}, {name: memory}]
"""


def test_every_phase_has_its_defaults(small_study: str) -> None:
    spec = study(small_study.replace("search: {algorithm: bohb, iterations: 8}\n", PHASES))
    assert isinstance(spec.search, PhasesSection)
    bohb, mobo = spec.search.phases
    assert isinstance(bohb, BohbSection)
    assert isinstance(mobo, MoboSection)
    assert (bohb.objective, bohb.min_points_in_model) == ("error", 9)
    assert (mobo.batch, mobo.surrogate, mobo.noise) == (8, "network", "heteroscedastic")
    assert StudySpec.from_canonical(spec.canonical()) == spec


def test_a_warm_start_names_studies(small_study: str) -> None:
    assert study(small_study + "warm_start: [one, two]\n").warm_start == ("one", "two")


@pytest.mark.parametrize("dataset", ["{name: digits}", "{name: cifar10, path: x}", "{name: folder, path: x}"])
def test_an_unchanged_file_means_the_study_that_was_stored_before_some_keys_were_known(
    small_study: str, dataset: str
) -> None:
    now = study(small_study.replace("{name: digits}", dataset))
    stored = now.canonical()
    for key in ("precision", "layout", "recompute", "protocol", "memory", "objective"):
        stored["trainer"].pop(key, None)
    assert StudySpec.from_canonical(stored) == now


def test_a_search_without_the_keys_that_it_ignores_can_be_stored(small_study: str) -> None:
    search = "{algorithm: mobo, evaluations: 8, surrogate: gaussian-process}"
    spec = study(small_study.replace("{algorithm: bohb, iterations: 8}", search))
    assert StudySpec.from_canonical(spec.canonical()) == spec


def test_a_stored_study_opens_though_its_file_would_be_refused(small_study: str) -> None:
    searched = "{algorithm: mobo, evaluations: 8, surrogate: gaussian-process}"
    stored = study(small_study.replace("{algorithm: bohb, iterations: 8}", searched)).canonical()
    stored["search"]["noise"] = "homoscedastic"
    stored["objectives"] += [{"name": "error", "goal": "minimize", "reference": None}]
    assert StudySpec.from_canonical(stored).canonical() == stored


def test_a_warm_start_may_precede_phases_of_which_one_learns(small_study: str) -> None:
    phases = "{algorithm: phases, phases: [{algorithm: random, proposals: 3}, {algorithm: bohb, iterations: 3}]}"
    text = small_study.replace("{algorithm: bohb, iterations: 8}", phases)
    assert study(text + "warm_start: [other]\n").warm_start == ("other",)


OLD_MOBO = {"acquisition": "usemo", "gain": "thompson", "surrogate": "network", "noise": "homoscedastic"}
MOBO_BY_THOMPSON = "search: {algorithm: mobo, evaluations: 8, acquisition: thompson}\n"
NEW_MOBO = {"acquisition": "thompson", "surrogate": "network", "noise": "homoscedastic"}
OLD_EHVI = {"acquisition": "ehvi", "gain": "expected-improvement", "surrogate": "gaussian-process"}


@pytest.mark.parametrize(
    ("old", "now"),
    [
        (OLD_MOBO, {"algorithm": "mobo", **NEW_MOBO}),
        ({key: OLD_MOBO[key] for key in OLD_MOBO if key != "acquisition"}, {"algorithm": "mobo", **NEW_MOBO}),
        ({**OLD_EHVI, "noise": "heteroscedastic"}, {"algorithm": "ehvi"}),
    ],
)
@pytest.mark.parametrize("phased", [False, True])
def test_a_study_of_an_older_version_opens(
    small_study: str, old: dict[str, str], now: dict[str, str], phased: bool
) -> None:
    common = {"evaluations": 8, "batch": 4, "fidelity": 3, "learn": []}
    searches = [{"algorithm": "mobo", **old, **common}, {**now, **common}]
    if phased:
        first = {"algorithm": "random", "proposals": 3}
        searches = [{"algorithm": "phases", "phases": [first, search]} for search in searches]
    stored = study(small_study.replace("fidelities: [3, 6, 12]", "fidelities: [3]")).canonical()
    before, after = (StudySpec.from_canonical({**stored, "search": search}) for search in searches)
    assert before == after


def test_a_search_that_is_no_longer_offered_is_said(small_study: str) -> None:
    stored = study(small_study).canonical()
    search = {"algorithm": "mobo", "evaluations": 8, "acquisition": "ehvi", "surrogate": "network"}
    with pytest.raises(SpecError, match="use algorithm ehvi"):
        StudySpec.from_canonical({**stored, "search": search})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("final: {networks: 3}\n", "final_training: {networks: 3}\n"),
        ("search: {algorithm: mobo, evaluations: 8, gain: thompson}\n", MOBO_BY_THOMPSON),
    ],
)
def test_a_key_is_still_read_under_its_old_name(small_study: str, old: str, new: str) -> None:
    base = "".join(line for line in small_study.splitlines(keepends=True) if not line.startswith("search:"))
    base += "" if "search" in old else MOBO_BY_THOMPSON
    assert study(base + old) == study(base + new)
    assert study(base + old).digest() == study(base + new).digest()


def test_a_key_under_both_names_is_refused(small_study: str) -> None:
    with pytest.raises(SpecError, match="final is the old name of final_training, which is given too"):
        study(small_study + "final: {networks: 3}\nfinal_training: {networks: 3}\n")

"""The space section: generators, presets, and what the file says over both."""

from __future__ import annotations

import json

import pytest

from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.spec.presets import PRESETS
from nago_orchestrator.spec.space_section import preset_of, preset_space
from nago_trainer.architecture import GENERATORS, RNAG_HYPERPARAMETERS
from tests.located import located


def study(space: str) -> StudySpec:
    text = "name: small\nsearch: {algorithm: random, proposals: 2}\nfidelities: [1]\ntrainer: {dataset: {name: digits}}"
    return parse_study_spec(f"{text}\nspace: {space}\n", "study.yaml")


def searched(space: SearchSpace) -> list[str]:
    return [dimension.name for dimension in space.dimensions]


def test_rnag_searches_its_nine_graph_hyperparameters() -> None:
    space = study("{generator: rnag}").search_space()
    assert searched(space) == [item.name for item in RNAG_HYPERPARAMETERS if item.is_searched]
    assert space.dimensions[:3] == (
        IntegerRange(name="stage_1_nodes", low=10, high=40),
        IntegerRange(name="stage_1_k", low=2, high=9),
        FloatRange(name="stage_1_p", low=0.1, high=0.9),
    )
    assert space.fixed["channel_ratio_3"] == 4.0


@pytest.mark.parametrize(
    ("name", "generator", "dimensions"),
    [
        ("hnag", "hnag", 8),
        ("hnag-merges-operations", "hnag", 15),
        ("hnag-stages-channels", "hnag", 14),
        ("rnag", "rnag", 9),
        ("rnag-d", "rnag", 0),
        ("darts-like", "hnag", 3),
    ],
)
def test_presets(name: str, generator: str, dimensions: int) -> None:
    space = study(f"{{preset: {name}}}").search_space()
    assert (space.generator, len(space.dimensions)) == (generator, dimensions)
    assert space == preset_space(name)
    assert preset_of(space) == name


def test_the_presets_named_after_a_generator_are_its_default() -> None:
    for name in GENERATORS:
        assert study(f"{{preset: {name}}}").digest() == study(f"{{generator: {name}}}").digest()
    assert study("{preset: hnag}").digest() == study("{}").digest()


def test_rnag_d_is_three_times_ws_32_4_075() -> None:
    fixed = preset_space("rnag-d").fixed
    for stage in (1, 2, 3):
        assert [fixed[f"stage_{stage}_{part}"] for part in ("nodes", "k", "p")] == [32, 4, 0.75]


def test_what_the_larger_presets_search_beside_the_graphs() -> None:
    graphs = searched(preset_space("hnag"))
    mixtures = preset_space("hnag-merges-operations")
    ratios = preset_space("hnag-stages-channels")
    assert [name.split("_")[0] for name in searched(mixtures) if name not in graphs] == ["operation"] * 5 + [
        "merge"
    ] * 2
    assert mixtures.fixed["merge_attention_sum"] == 0
    assert [name.rsplit("_", 1)[0] for name in searched(ratios) if name not in graphs] == ["stage_ratio"] * 3 + [
        "channel_ratio"
    ] * 3


@pytest.mark.parametrize("name", PRESETS)
def test_no_corner_of_a_preset_is_an_illegal_theta(name: str) -> None:
    """A search that walks along the bounds must not meet weights that are all 0."""
    space = preset_space(name)
    for corner in ("low", "high"):
        theta = space.theta({dimension.name: getattr(dimension, corner) for dimension in space.dimensions})
        GENERATORS[space.generator].read(theta)


def test_what_is_written_beats_the_preset() -> None:
    text = "{preset: rnag-d, hyperparameters: {stage_1_nodes: {low: 5, high: 9}, stage_2_k: paper, stage_3_p: 0.5}}"
    space = study(text).search_space()
    assert searched(space) == ["stage_1_nodes", "stage_2_k"]
    assert (space.dimensions[1].low, space.dimensions[1].high) == (2, 9)
    assert (space.fixed["stage_3_p"], space.fixed["stage_3_nodes"]) == (0.5, 32)
    assert preset_of(space) is None


@pytest.mark.parametrize(
    "space", ["{preset: rnag-d}", "{preset: hnag-stages-channels, connected: true}", "{preset: hnag}"]
)
def test_the_canonical_form_writes_the_preset_out(space: str) -> None:
    spec = study(space)
    canonical = json.loads(json.dumps(spec.canonical(), allow_nan=False))
    assert list(canonical["space"]) == ["generator", "connected", "hyperparameters"]
    assert list(canonical["space"]["hyperparameters"]) == list(GENERATORS[spec.space.generator].names)
    assert StudySpec.from_canonical(canonical) == spec
    assert StudySpec.from_canonical(canonical).digest() == spec.digest()


def test_null_is_no_preset() -> None:
    assert study("{preset: null}") == study("{}")


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ("{preset: rnagd}", "line 5: space.preset names an unknown preset 'rnagd': did you mean rnag-d?"),
        ("{preset: 3}", "space.preset must be a string, found the number 3: put it in quotes"),
        ("{generator: rnga}", "space.generator names an unknown generator 'rnga': did you mean rnag?"),
        ("{preset: rnag, generator: hnag}", "space.generator is hnag, but the preset rnag is of rnag"),
        (
            "{generator: rnag, hyperparameters: {top_nodes: 3}}",
            "line 5: space.hyperparameters.top_nodes is a hyperparameter of the generator hnag, not of rnag",
        ),
        (
            "{hyperparameters: {stage_2_p: 0.5}}",
            "space.hyperparameters.stage_2_p is a hyperparameter of the generator rnag, not of hnag",
        ),
        (
            "{generator: rnag, hyperparameters: {stag_1_nodes: 3}}",
            "unknown key space.hyperparameters.stag_1_nodes: did you mean stage_1_nodes?",
        ),
        (
            "{preset: rnag, hyperparameters: {stage_1_nodes: 65}}",
            "space.hyperparameters.stage_1_nodes must be an integer from 1 to 64, found 65",
        ),
        (
            "{generator: rnag, hyperparameters: {operation_conv3x3: 0}}",
            "space.hyperparameters fixes every operation_... at 0, and at least one must be above 0",
        ),
        ("{preset: rnag, hyperparameters: 3}", "space.hyperparameters must be a mapping of keys, found the number 3"),
        ("{preset: rnag, hyperparameters: null}", "space.hyperparameters is empty: give it a value, or remove the key"),
    ],
)
def test_a_wrong_space_is_one_sentence(space: str, sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        study(space)
    assert sentence in located(caught.value)
    assert "\n" not in str(caught.value)


def test_several_problems_are_told_at_once() -> None:
    with pytest.raises(SpecError, match="has 2 errors") as caught:
        study("{generator: rnag, hyperparameters: {stage_1_nodes: {low: 3}, stage_2_nodes: {low: 4, high: 1}}}")
    assert "space.hyperparameters.stage_1_nodes.high is missing" in str(caught.value)
    assert "space.hyperparameters.stage_2_nodes has low 4 above high 1" in str(caught.value)

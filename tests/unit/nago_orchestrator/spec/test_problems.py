"""Every way in which a study file can be wrong gets one sentence that names the line and the key."""

from __future__ import annotations

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec import parse_study_spec
from nago_trainer.contract.data_sets import DATA_SETS
from tests.located import located


def problem(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_study_spec(text, "study.yaml")
    return located(caught.value).removeprefix("study.yaml, ")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("seed: seven", "seed must be an integer, found the string 'seven'"),
        ("seed: '7'", "seed must be an integer, found the string '7'"),
        ("seed: 1.5", "seed must be an integer, found 1.5"),
        ("seed: -1", "seed must be at least 0, found -1"),
        ("seed: true", "seed must be an integer, found true"),
        ("seed: .nan", "seed must be an integer, found nan"),
        ("seed: .inf", "seed must be an integer, found inf"),
        ("seed: 1e400", "seed must be an integer, found inf"),
        ("seed: 1e30", "seed is too large: 1e+30"),
        ("seed: [1]", "seed must be an integer, found a list"),
        ("seed: {a: 1}", "seed must be an integer, found a mapping"),
        ("seed:", "seed is empty: give it a value, or remove the key"),
        ("sed: 3", "unknown key sed: did you mean seed?"),
        ("batch_size: 3", "unknown key batch_size: it belongs under trainer"),
        ("top_nodes: 3", "unknown key top_nodes: it belongs under space.hyperparameters"),
        ("proposals: 3", "unknown key proposals: it belongs under search with algorithm random"),
        ("reference: 3", "unknown key reference: it belongs under objectives[]"),
        ("3: 3", "unknown key 3: choose one of name, seed, space, "),
        ("  batchsize: 3", "unknown key trainer.batchsize: did you mean batch_size?"),
        ("  seed: 3", "unknown key trainer.seed: it belongs under the top level"),
        ("  batch_size: .nan", "trainer.batch_size must be an integer, found nan"),
        ("  batch_size: 0", "trainer.batch_size must be at least 1, found 0"),
        ("  learning_rate: .nan", "trainer.learning_rate must be a finite number, found nan"),
        ("  learning_rate: .inf", "trainer.learning_rate must be a finite number, found inf"),
        ("  learning_rate: false", "trainer.learning_rate must be a number, found false"),
        ("  learning_rate: 0", "trainer.learning_rate must be above 0, found 0"),
        ("  momentum: 1", "trainer.momentum must be below 1, found 1"),
        ("  weight_decay: 2", "trainer.weight_decay must be at most 1, found 2"),
        ("  horizontal_flip: yes", "trainer.horizontal_flip must be true or false, found the string 'yes'"),
        ("  cutout: 8", "cutout 8, which must be below image_size 8"),
        ("final_training: {cutout: 8}", "final_training has cutout 8, which must be below image_size 8"),
        ("warm_start: [one, two, one]", "warm_start names one twice"),
        ("warm_start: [small]", "warm_start names small, which is the study itself"),
        ("space: hnag", "space must be a mapping of keys, found the string 'hnag'"),
        ("space: {generator: hang}", "space.generator names an unknown generator 'hang': did you mean hnag?"),
        ("space: {connected: 1}", "space.connected must be true or false, found the number 1"),
        ("objectives: accuracy", "objectives must be a list, found the string 'accuracy'"),
        ("objectives: []", "objectives must list at least 1, found 0"),
        ("objectives: [accuracy]", "objectives[0] must be a mapping of keys, found the string 'accuracy'"),
        (
            "objectives: [{name: acuracy}]",
            "objectives[0].name names an unknown objective 'acuracy': did you mean accuracy?",
        ),
        (
            "objectives: [{name: latency}]",
            "objectives[0].name names an unknown objective 'latency': choose one of accuracy, ",
        ),
        ("objectives: [{name: loss}, {name: loss}]", "objectives names loss twice"),
        ("objectives: [{goal: minimize}]", "objectives[0].name is missing"),
        (
            "objectives: [{name: accuracy, goal: minimize}]",
            "objectives[0].goal is minimize, but accuracy is always to be maximized",
        ),
        (
            "objectives: [{name: loss, goal: minimise}]",
            "objectives[0].goal names an unknown goal 'minimise': did you mean",
        ),
        (
            "objectives: [{name: accuracy, reference: 50}]",
            "objectives[0].reference must be from 0 to 1 for accuracy, found 50",
        ),
        ("objectives: [{name: memory, reference: 60 Kib}]", "objectives[0].reference must be a size such as 60KiB"),
        (
            "objectives: [{name: loss, reference: 60KiB}]",
            "objectives[0].reference must be a number, found the string '60KiB'",
        ),
        (
            "objectives: [{name: loss}, {name: error, referense: 1}]",
            "unknown key objectives[1].referense: did you mean",
        ),
        ("architectures_per_proposal: 0", "architectures_per_proposal must be at least 1, found 0"),
        (
            "architectures_per_proposal: 4\nlimits: {trials: 3}",
            "limits allows 3 trials, but architectures_per_proposal is 4",
        ),
        ("limits: {wall_time: 2 hours}", "limits.wall_time must be a duration such as 90m or 1h30m"),
        ("limits: {wall_time: 0}", "limits.wall_time must be above 0, found 0"),
        ("limits: {trials: 0}", "limits.trials must be at least 1, found 0"),
        ("limits: {failed_fraction: 2}", "limits.failed_fraction must be at most 1, found 2"),
        ("limits:  # all commented out", "limits is empty: give it a value, or remove the key"),
        ("execution: {where: kubernets}", "execution.where names an unknown place 'kubernets'"),
        ("execution: {parallelism: 0}", "execution.parallelism must be at least 1, found 0"),
        ("execution: {device: tpu}", "execution.device must be auto, cpu, mps, cuda or cuda:NUMBER, found 'tpu'"),
        ("execution: {device: 0}", "execution.device must be a string, found the number 0: put it in quotes"),
        ("retries: {pause: -1}", "retries.pause must be at least 0, found -1"),
        ("retries: 3", "retries must be a mapping of keys, found the number 3"),
    ],
)
def test_a_wrong_line(small_study: str, line: str, sentence: str) -> None:
    found = problem(f"{small_study}{line}\n")
    assert found.startswith("line ")
    assert sentence in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "name: small",
            "name: My Study",
            "line 1: name must be lower case letters, digits and inner hyphens, such as my-study;",
        ),
        (
            "name: small",
            "name: -x",
            "line 1: name must be lower case letters, digits and inner hyphens, such as x; found '-x'",
        ),
        (
            "name: small",
            "name: Ä",
            "line 1: name must be lower case letters, digits and inner hyphens, such as my-study;",
        ),
        ("name: small", "name: 2026", "line 1: name must be a string, found the number 2026: put it in quotes"),
        ("name: small", f"name: {'a' * 41}", "line 1: name must have at most 40 characters, found 41"),
        ("name: small", "name: ''", "line 1: name must be a string, found an empty one"),
        ("name: small", "name: '{sentence_end}'", "line 1: name must be lower case letters"),
        ("name: small\n", "", "line 1: name is missing"),
        (
            "name: digits",
            "name: digit",
            "line 5: trainer.dataset.name names an unknown dataset 'digit': did you mean digits?",
        ),
        (
            "name: digits",
            "name: svhn",
            f"unknown dataset 'svhn': choose one of {', '.join(DATA_SETS)}",
        ),
        (
            "name: digits",
            "name: folder",
            "line 5: trainer.dataset has no path to the images of folder: add the key path",
        ),
        (
            "name: digits",
            "name: digits, path: x",
            "line 5: trainer.dataset has a path, but digits is part of scikit-learn",
        ),
        ("name: digits", "name: folder, path: 3", "line 5: trainer.dataset.path must be a string, found the number 3"),
        ("name: digits", "name: digits, validation_fraction: 1", "validation_fraction must be at most 0.9, found 1"),
        ("{name: digits}", "digits", "line 5: trainer.dataset must be a mapping of keys, found the string 'digits'"),
        ("{name: digits}", "", "line 5: trainer.dataset is empty"),
        ("{name: digits}", "{}", "line 5: trainer.dataset.name is missing"),
        ("bohb", "bhob", "line 2: search names an unknown algorithm 'bhob': did you mean bohb?"),
        (
            "bohb",
            "grid",
            "line 2: search names an unknown algorithm 'grid': choose one of bohb, ehvi, mobo, mobohb, phases, random",
        ),
        ("iterations: 8", "iterations: 8, eta: 3", "line 2: unknown key search.eta"),
        (
            "iterations: 8",
            "iterations: 8, proposals: 8",
            "unknown key search.proposals: it belongs under search with algorithm random",
        ),
        (
            "iterations: 8",
            "iterations: 8, objective: memory",
            "search optimises memory, which is no objective of the study (accuracy)",
        ),
        ("iterations: 8", "iterations: 8, objective: acuracy", "search.objective names an unknown objective 'acuracy'"),
        (
            "iterations: 8",
            "iterations: 8, min_points_in_model: 8",
            "search has min_points_in_model 8, but 8 dimensions need at least 9",
        ),
        (", iterations: 8", "", "line 2: search.iterations is missing"),
        ("algorithm: bohb, ", "", "line 2: search must have the key algorithm"),
        (
            "{algorithm: bohb, iterations: 8}",
            "bohb",
            "line 2: search must be a mapping of keys, found the string 'bohb'",
        ),
        (
            "[3, 6, 12]",
            "[3, 6, 13]",
            "line 3: fidelities must each be the same integer multiple of the one before for bohb",
        ),
        (
            "[3, 6, 12]",
            "[2, 3]",
            "line 3: fidelities must each be the same integer multiple of the one before for bohb",
        ),
        ("[3, 6, 12]", "[3, 6, 18]", "such as 3, 6, 12; found 3, 6, 18"),
        ("[3, 6, 12]", "[12, 6]", "line 3: fidelities must increase, but 6 follows 12"),
        ("[3, 6, 12]", "[6, 6]", "line 3: fidelities must increase, but 6 follows 6"),
        ("[3, 6, 12]", "[]", "line 3: fidelities must list at least 1, found 0"),
        ("[3, 6, 12]", "12", "line 3: fidelities must be a list, found the number 12"),
        ("[3, 6, 12]", "[0, 6]", "line 3: fidelities[0] must be at least 1, found 0"),
        ("[3, 6, 12]", "[3, 6.5]", "line 3: fidelities[1] must be an integer, found 6.5"),
    ],
)
def test_a_wrong_value_in_the_smallest_study(small_study: str, right: str, wrong: str, sentence: str) -> None:
    found = problem(small_study.replace(right, wrong, 1))
    assert sentence in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("hyperparameter", "sentence"),
    [
        ("top_nodes: {low: 9, high: 3}", "top_nodes has low 9 above high 3"),
        ("top_nodes: {low: 3, high: 3}", "top_nodes has low and high both 3: write the number alone to fix the value"),
        ("top_nodes: {low: 0, high: 3}", "top_nodes must be an integer from 1 to 64, found 0"),
        ("top_nodes: {low: 3, high: 600}", "top_nodes must be an integer from 1 to 64, found 600"),
        ("top_nodes: {low: 3.5, high: 6}", "top_nodes must be an integer from 1 to 64, found 3.5"),
        ("top_nodes: {low: 3}", "top_nodes.high is missing"),
        (
            "top_nodes: {low: 3, high: 6, step: 1}",
            "unknown key space.hyperparameters.top_nodes.step: choose one of low, high",
        ),
        (
            "top_nodes: {low: 3, hihg: 6, high: 6}",
            "unknown key space.hyperparameters.top_nodes.hihg: did you mean high?",
        ),
        ("top_nodes: {low: a, high: 6}", "top_nodes.low must be a number, found the string 'a'"),
        ("top_nodes: {low: .nan, high: 6}", "top_nodes.low must be a finite number, found nan"),
        ("top_nodes: 65", "top_nodes must be an integer from 1 to 64, found 65"),
        ("top_nodes: 3.5", "top_nodes must be an integer from 1 to 64, found 3.5"),
        ("top_nodes: .inf", "top_nodes must be a finite number, found inf"),
        ("top_nodes: many", "top_nodes must be a range {low: ..., high: ...}, a number or the word paper"),
        ("top_nodes: [3, 6]", "top_nodes must be a range {low: ..., high: ...}, a number or the word paper"),
        ("top_nodes: true", "top_nodes must be a range {low: ..., high: ...}, a number or the word paper"),
        ("top_nodes:", "top_nodes is empty: give it a value, or remove the key"),
        ("top_p: 1.1", "top_p must be a number from 0 to 1, found 1.1"),
        ("top_node: 3", "unknown key space.hyperparameters.top_node: did you mean top_nodes?"),
        ("channel_ratio_1: 0", "channel_ratio_1 must be a number from 1e-06 to 1000000, found 0"),
        ("operation_conv3x3: 0", "line 7: space.hyperparameters fixes every operation_... at 0"),
        ("merge_weighted_sum: 0", "line 7: space.hyperparameters fixes every merge_... at 0"),
    ],
)
def test_a_wrong_hyperparameter(small_study: str, hyperparameter: str, sentence: str) -> None:
    found = problem(f"{small_study}space:\n  hyperparameters:\n    {hyperparameter}\n")
    assert found.startswith(("line 7", "line 8"))
    assert sentence in found
    assert "\n" not in found


def test_bohb_without_anything_to_search(small_study: str) -> None:
    fixed = "top_nodes: 3, top_k: 2, top_p: 0, mid_nodes: 1, mid_p: 0, bottom_nodes: 3, bottom_k: 2, bottom_p: 0"
    found = problem(f"{small_study}space: {{hyperparameters: {{{fixed}}}}}")
    assert found == "line 2: search needs a hyperparameter to search, but all are fixed: give at least one a range"


def with_search(small_study: str, search: str) -> str:
    return small_study.replace("{algorithm: bohb, iterations: 8}", search) + (
        "objectives: [{name: error}, {name: memory}]\n"
    )


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ("{algorithm: mobo}", "search.evaluations is missing"),
        (
            "{algorithm: mobo, evaluations: 8, fidelity: 5}",
            "(3, 6, 12) must include search.fidelity 5, at which mobo trains",
        ),
        (
            "{algorithm: mobo, evaluations: 8, learn: [flops]}",
            "flops under `learn`, which is no objective of the study",
        ),
        (
            "{algorithm: mobo, evaluations: 8, learn: [error]}",
            "error under `learn`, which is for memory, parameters, flops",
        ),
        (
            "{algorithm: ehvi, evaluations: 8, acquisition: thompson}",
            "search.acquisition: it belongs under search with algorithm mobo",
        ),
        (
            "{algorithm: bohb, iterations: 1, batch: 8}",
            "search.batch: it belongs under search with algorithm ehvi or mobo",
        ),
        (
            "{algorithm: ehvi, evaluations: 8, fidelity: 5}",
            "(3, 6, 12) must include search.fidelity 5, at which ehvi trains",
        ),
        (
            "{algorithm: mobo, evaluations: 8, acquisition: 3}",
            "search.acquisition must be a string, found the number 3",
        ),
        (
            "{algorithm: mobo, evaluations: 8, acquisition: ucb}",
            "search.acquisition names an unknown acquisition 'ucb'"
            ": choose one of expected-improvement, confidence-bound, thompson",
        ),
        (
            "{algorithm: mobo, evaluations: 8, surrogate: gaussian process}",
            "names an unknown surrogate 'gaussian process': did you mean gaussian-process?",
        ),
        ("{algorithm: mobo, evaluations: 8, noise: homo}", "search.noise names an unknown noise 'homo'"),
        (
            "{algorithm: mobo, evaluations: 8, noise: homoscedastic, surrogate: gaussian-process}",
            "line 2: search.noise has no effect for the surrogate gaussian-process",
        ),
        (
            "{algorithm: phases, phases: "
            "[{algorithm: mobo, evaluations: 8, surrogate: gaussian-process, noise: homoscedastic}]}",
            "line 2: search.phases[0].noise has no effect for the surrogate gaussian-process",
        ),
        ("{algorithm: phases}", "search.phases is missing"),
        ("{algorithm: phases, phases: []}", "search.phases must list at least 1, found 0"),
        (
            "{algorithm: phases, phases: [{algorithm: bohp, iterations: 3}]}",
            "search.phases[0] names an unknown algorithm 'bohp': did you mean bohb?",
        ),
        (
            "{algorithm: phases, phases: [{algorithm: bohb, iteration: 3}]}",
            "unknown key search.phases[0].iteration (line 2): did you mean iterations?",
        ),
        (
            "{algorithm: phases, phases: [{algorithm: bohb, iterations: 0}]}",
            "search.phases[0].iterations must be at least 1, found 0",
        ),
        (
            "{algorithm: phases, phases: [{algorithm: phases, phases: []}]}",
            "search.phases[0] names an unknown algorithm 'phases'",
        ),
        (
            "{algorithm: phases, phases: [{algorithm: random, proposals: 3}, "
            "{algorithm: mobo, evaluations: 8, fidelity: 6}]}",
            "fidelities give search.phases[1] nothing to learn from: it needs trials of 6 epochs, "
            "and the phases before it have trials of 12",
        ),
    ],
)
def test_a_wrong_search_for_several_objectives(small_study: str, search: str, sentence: str) -> None:
    assert sentence in problem(with_search(small_study, search))


def test_a_search_that_has_nothing_to_learn(small_study: str) -> None:
    text = small_study.replace("{algorithm: bohb, iterations: 8}", "{algorithm: mobo, evaluations: 8}")
    assert "nothing to learn" in problem(text + "objectives: [{name: memory}, {name: flops}]\n")


@pytest.mark.parametrize(
    "search",
    [
        "{algorithm: random, proposals: 3}",
        "{algorithm: phases, phases: [{algorithm: random, proposals: 3}, {algorithm: random, proposals: 2}]}",
    ],
)
def test_a_warm_start_of_a_search_that_learns_nothing(small_study: str, search: str) -> None:
    found = problem(with_search(small_study, search) + "warm_start: [other]\n")
    assert found.startswith("line 7: warm_start has no effect for algorithm random")


def test_the_same_objective_by_two_names(small_study: str) -> None:
    found = problem(small_study + "objectives: [{name: error}, {name: memory}, {name: accuracy}]\n")
    assert found.startswith("line 6: objectives names both accuracy and error")

"""What holds for every legal theta of every generator, not only for the paper's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nago_trainer.architecture import (
    GENERATORS,
    Architecture,
    Generator,
    Hyperparameter,
    ParameterLimitError,
    TensorShape,
    canonical,
    count_parameters,
    draw_blueprint,
    fit_plan,
    read_theta,
    sample_architecture,
)
from nago_trainer.architecture.theta import POSITIVE_SUMS, Number

Mapping = dict[str, Number]
LARGEST_GRAPH = 6
"""Of nodes, so that an example takes milliseconds."""


def values_of(item: Hyperparameter) -> st.SearchStrategy[Number]:
    if item.kind == "int":
        high = LARGEST_GRAPH if item.name.endswith("_nodes") else item.high
        return st.integers(int(item.low), int(high))
    if item.high == 1.0:
        return st.floats(item.low, item.high)
    # Zero often: unused stages, operations and merges are the odd cases.
    return st.one_of(st.just(max(item.low, 0.0)), st.floats(max(item.low, 1e-6), item.high))


def is_legal(mapping: Mapping) -> bool:
    groups = ([value for name, value in mapping.items() if name.startswith(prefix)] for prefix in POSITIVE_SUMS)
    return all(max(weights, default=1.0) > 0 for weights in groups)


def thetas_of(generator: Generator) -> st.SearchStrategy[Mapping]:
    names = {item.name: values_of(item) for item in generator.hyperparameters}
    return st.fixed_dictionaries(names).filter(is_legal)


mappings = st.one_of(*map(thetas_of, GENERATORS.values()))
seeds = st.integers(0, 2**53 - 1)
images = st.builds(TensorShape, st.integers(1, 4), st.integers(1, 256))


def sample(mapping: Mapping, seed: int) -> Architecture:
    return sample_architecture(read_theta(mapping), seed)


@given(mappings, seeds)
@settings(max_examples=60, deadline=None)
def test_the_canonical_theta_is_stable_and_draws_the_same(mapping: Mapping, seed: int) -> None:
    agreed = canonical(mapping)

    assert canonical(agreed) == agreed
    assert sample(agreed, seed).digest() == sample(mapping, seed).digest()


@given(mappings, seeds)
@settings(max_examples=60, deadline=None)
def test_json_keeps_the_architecture(mapping: Mapping, seed: int) -> None:
    architecture = sample(mapping, seed)

    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


@given(mappings, seeds, images, st.integers(1, 1000), st.integers(100, 10**7))
@settings(max_examples=100, deadline=None)
def test_the_width_is_the_largest_within_the_limit(
    mapping: Mapping, seed: int, image: TensorShape, classes: int, limit: int
) -> None:
    architecture = sample(mapping, seed)
    blueprint = draw_blueprint(architecture, image, classes)
    if count_parameters(blueprint.realise(1)) > limit:
        with pytest.raises(ParameterLimitError):
            fit_plan(architecture, image, classes, limit)
        return
    width, plan = fit_plan(architecture, image, classes, limit)

    assert count_parameters(plan) == blueprint.parameters(width) <= limit < blueprint.parameters(width + 1)
    assert plan.tensors[0] == image
    assert plan.tensors[-1] == TensorShape(classes, 1)

"""A theta finds its generator by its names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nago_trainer.architecture import GENERATORS, HnagTheta, RnagTheta, ThetaError, canonical, generator_of, read_theta
from nago_trainer.architecture.theta import Number


def middle(name: str) -> dict[str, Number]:
    return {
        item.name: item.default[1] if isinstance(item.default, tuple) else item.default
        for item in GENERATORS[name].hyperparameters
    }


@pytest.mark.parametrize(("name", "kind"), [("hnag", HnagTheta), ("rnag", RnagTheta)])
def test_a_theta_is_of_the_generator_that_its_names_belong_to(name: str, kind: type[object]) -> None:
    assert generator_of(middle(name)).name == name
    assert isinstance(read_theta(middle(name)), kind)
    assert list(canonical(middle(name))) == list(GENERATORS[name].names)


def test_every_generator_has_names_of_its_own_and_none_twice() -> None:
    hnag, rnag = (GENERATORS[name].names for name in ("hnag", "rnag"))

    assert set(hnag) - set(rnag)
    assert set(rnag) - set(hnag)
    assert all(len(set(names)) == len(names) for names in (hnag, rnag))


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ({}, "no value for the hyperparameter top_nodes"),
        ({"merge_concat": 1.0}, "no value for the hyperparameter top_nodes"),
        ({"stage_1_p": 0.5}, "no value for the hyperparameter stage_1_nodes"),
        ({**middle("rnag"), "mid_p": 0.5}, "unknown hyperparameter: mid_p"),
    ],
)
def test_a_theta_of_no_generator_is_refused(mapping: Mapping[str, Number], complaint: str) -> None:
    with pytest.raises(ThetaError, match=complaint):
        read_theta(mapping)

from __future__ import annotations

from dataclasses import astuple

import torch
from hypothesis import given
from hypothesis import strategies as st

from nago_trainer.training.seeds import derive_seeds


@given(st.integers(0, 2**128))
def test_purposes_have_different_seeds_that_torch_takes(seed: int) -> None:
    derived = astuple(derive_seeds(seed))
    assert len(set(derived)) == len(derived)
    assert [torch.Generator().manual_seed(each).initial_seed() for each in derived] == list(derived)


def test_the_seeds_are_the_same_on_every_machine() -> None:
    assert derive_seeds(0).network == 7896617691693857887
    assert derive_seeds(0).order == 1180918054825871008

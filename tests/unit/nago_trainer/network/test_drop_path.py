from __future__ import annotations

import pytest
import torch

from nago_trainer.network.drop_path import without_some


def test_inputs_are_left_out_but_the_only_one_of_a_sum() -> None:
    torch.manual_seed(0)
    weights = torch.full((7,), 0.5)
    draws = torch.stack([without_some(weights, [1, 2, 4], 0.25) for _ in range(2000)])
    assert torch.equal(draws[:, 0], torch.full((2000,), 0.5))
    assert sorted(set(draws[:, 1:].flatten().tolist())) == pytest.approx([0.0, 0.5 / 0.75])
    assert draws.mean(0).allclose(weights, atol=0.03)

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from nago_trainer.data.splits import Examples, Normalisation
from nago_trainer.training.evaluation import evaluate

PLAIN = Normalisation(mean=(0.0,), deviation=(1.0,))
EXAMPLES = Examples(pixels=torch.tensor([0, 255, 255]).to(torch.uint8).view(3, 1, 1, 1), labels=torch.tensor([0, 1, 0]))


class _Brightness(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([1 - images.flatten(1), images.flatten(1)], dim=1)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_loss_and_accuracy_do_not_depend_on_the_batches(batch_size: int) -> None:
    score = evaluate(_Brightness(), EXAMPLES, PLAIN, batch_size)
    right = math.log(1 + math.exp(-1))
    assert score.accuracy == pytest.approx(2 / 3)
    assert score.loss == pytest.approx((2 * right + right + 1) / 3)


def test_the_network_is_evaluated_without_dropout() -> None:
    network = nn.Sequential(nn.Dropout(0.9), _Brightness())
    assert evaluate(network, EXAMPLES, PLAIN, 2) == evaluate(_Brightness(), EXAMPLES, PLAIN, 2)

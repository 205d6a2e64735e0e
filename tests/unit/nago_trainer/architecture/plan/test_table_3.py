"""Bytes per sample of the generators that the paper found, beside the memory that the paper measured (its Table 3).

The paper says neither for how many networks it measured, nor what counts as memory per sample, nor how large the images
of three data sets were; so it is the order that is compared. All of our figures are lower, by 13 to 31 %: a GPU has
workspaces of its libraries too, and the authors' code keeps more (`benchmarks/trainer.py`). More than 25 % lower are
ImageNet, both CIFAR rows and MIT67 by MOBO; nothing published says why these.
"""

from __future__ import annotations

from statistics import fmean

import pytest
from scipy.stats import spearmanr

from nago_trainer.architecture import HYPERPARAMETERS, HnagTheta, TensorShape, fit_plan, sample_architecture
from nago_trainer.architecture.plan.memory import bytes_per_sample

NETWORKS = 8
CIFAR, LARGE = (TensorShape(3, 32), 4_000_000), (TensorShape(3, 224), 6_000_000)
GRAPHS = ("top_nodes", "top_k", "top_p", "mid_nodes", "mid_p", "bottom_nodes", "bottom_k", "bottom_p")
ROWS = {
    "CIFAR10 by BOHB": (*CIFAR, 10, (8, 5, 0.6, 1, 0.7, 5, 4, 0.2), 17),
    "CIFAR100 by BOHB": (*CIFAR, 100, (8, 5, 0.4, 1, 0.7, 4, 2, 0.4), 14),
    "SPORT8 by BOHB": (*LARGE, 8, (7, 2, 0.9, 5, 0.8, 6, 3, 0.6), 121),
    "MIT67 by BOHB": (*LARGE, 67, (9, 4, 0.6, 1, 0.2, 3, 2, 0.5), 54),
    "FLOWERS102 by BOHB": (*LARGE, 102, (6, 4, 0.4, 1, 0.4, 6, 5, 0.9), 62),
    "IMAGENET by BOHB": (*LARGE, 1000, (4, 2, 0.5, 5, 0.6, 6, 4, 0.4), 136),
    "CIFAR10 by MOBO": (*CIFAR, 10, (6, 4, 0.8, 1, 0.1, 3, 2, 0.5), 13),
    "CIFAR100 by MOBO": (*CIFAR, 100, (6, 4, 0.3, 1, 0.7, 3, 2, 0.5), 13),
    "SPORT8 by MOBO": (*LARGE, 8, (3, 2, 0.3, 1, 0.2, 3, 2, 0.8), 43),
    "MIT67 by MOBO": (*LARGE, 67, (3, 2, 0.6, 1, 0.8, 4, 2, 0.6), 48),
    "FLOWERS102 by MOBO": (*LARGE, 102, (6, 5, 0.2, 1, 0.8, 3, 2, 0.5), 48),
}
"""Image, parameter limit, classes, θ, and megabytes per sample in the paper."""


def predicted(name: str) -> float:
    """Megabytes per sample, mean of eight networks."""
    image, limit, classes, graphs, _ = ROWS[name]
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    theta = HnagTheta.from_mapping({**fixed, **dict(zip(GRAPHS, graphs, strict=True))})
    plans = [fit_plan(sample_architecture(theta, seed), image, classes, limit)[1] for seed in range(NETWORKS)]
    return fmean(map(bytes_per_sample, plans)) / 1e6


@pytest.mark.slow
def test_the_order_of_the_papers_generators_is_predicted() -> None:
    ours = [predicted(name) for name in ROWS]
    papers = [row[-1] for row in ROWS.values()]
    assert spearmanr(ours, papers).statistic >= 0.95
    assert all(0.65 < mine / papers[number] < 0.9 for number, mine in enumerate(ours))

"""HpBandSter's configuration generator, its candidates computed all at once: the same numbers, several times faster.

HpBandSter draws each coordinate of each candidate by a call of `scipy.stats.truncnorm.rvs`, some 500 calls per
proposal. Here the uniform numbers behind these calls are drawn in the same order, and one `truncnorm.ppf` turns them
into all candidates. Used by `sampler.py`; a test holds the proposals equal to the parent class's.
"""

from __future__ import annotations

from typing import Any

import ConfigSpace
import numpy as np
import numpy.typing as npt
from ConfigSpace.hyperparameters import FloatHyperparameter
from ConfigSpace.hyperparameters.hp_components import ROUND_PLACES
from scipy.stats import truncnorm

from nago_orchestrator.search.proposers.bohb.hpbandster_classes import BOHB

_SMALLEST_DENSITY = 1e-32
"""HpBandSter's floor under both densities of the ratio."""


class QuickGenerator(BOHB):  # type: ignore[misc]  # hpbandster is untyped
    """For spaces of integers and floats alone. Draws from numpy's global generator, as its parent does."""

    def __init__(self, configspace: ConfigSpace.ConfigurationSpace, **options: Any) -> None:
        super().__init__(configspace, **options)
        self._noted: list[dict[str, float | int]] = []
        """Configurations of `_noted_budget` that its model does not contain yet; their losses are in place."""
        self._noted_budget: int | None = None

    def note(self, configuration: dict[str, float | int], budget: int, loss: float) -> None:
        """As `new_result` without a fit, of a budget up to the highest with a model: below it nothing is kept.

        The parent makes an object of ConfigSpace of each result, which is most of the time that a study of many
        evaluations takes to go on.
        """
        self.configs.setdefault(budget, [])
        self.losses.setdefault(budget, [])
        if budget != max(self.kde_models):
            return
        if budget != self._noted_budget:
            self._noted, self._noted_budget = [], budget
        self._noted.append(configuration)
        self.losses[budget].append(loss)

    def take_noted(self) -> tuple[dict[str, float | int], int, float] | None:
        """Move what was noted into the parent's lists, but for the newest, which is returned.

        None: nothing was, or a higher fidelity has had its first fit since.
        """
        budget = self._noted_budget
        if not self._noted or budget is None or budget != max(self.kde_models):
            return None
        *earlier, newest = self._noted
        self._noted = []
        if earlier:
            self.configs[budget] += list(self._vectors(earlier))
        return newest, budget, self.losses[budget].pop()

    def _vectors(self, configurations: list[dict[str, float | int]]) -> npt.NDArray[np.float64]:
        """As `ConfigSpace.Configuration.get_array` of each; one column at a time."""
        columns = []
        for name, hyperparameter in self.configspace.items():
            values = np.array([configuration[name] for configuration in configurations])
            if isinstance(hyperparameter, FloatHyperparameter):
                values = np.round(values, ROUND_PLACES)
            columns.append(hyperparameter.to_vector(values))
        return np.stack(columns, axis=1)

    def get_config(self, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Whatever needs no model, or would fail with it, is left to the parent, from the same random state."""
        state = np.random.get_state()  # noqa: NPY002  # the parent's generator, fenced by the caller
        if self.kde_models and np.random.rand() >= self.random_fraction:  # noqa: NPY002  # as above
            best = self._best_candidate()
            if best is not None:
                configuration = ConfigSpace.Configuration(self.configspace, vector=best)
                return dict(configuration), {"model_based_pick": True}
        np.random.set_state(state)  # noqa: NPY002  # as above
        sample: tuple[dict[str, Any], dict[str, Any]] = super().get_config(budget)
        return sample

    def _best_candidate(self) -> npt.NDArray[np.float64] | None:
        """The candidate with the smallest ratio of bad to good density; None if a candidate is not legal."""
        densities = self.kde_models[max(self.kde_models)]
        candidates = self._candidates(densities["good"])
        if not ((candidates >= 0) & (candidates <= 1)).all():
            return None
        good, bad = (np.maximum(densities[name].pdf(candidates), _SMALLEST_DENSITY) for name in ("good", "bad"))
        ratio = np.atleast_1d(bad / good)
        best: npt.NDArray[np.float64] = candidates[np.argmin(ratio)]
        return best if np.isfinite(ratio).all() else None

    def _candidates(self, good: Any) -> npt.NDArray[np.float64]:
        """Normal around good points, widened, truncated to the unit cube; shape (num_samples, dimensions)."""
        dimensions = good.data.shape[1]
        rows, uniforms = [], []
        for _ in range(self.num_samples):
            rows.append(np.random.randint(0, len(good.data)))  # noqa: NPY002  # as above
            uniforms.append(np.random.random_sample(dimensions))  # noqa: NPY002  # as above
        centres = good.data[rows]
        widths = self.bw_factor * np.maximum(good.bw, self.min_bandwidth)
        drawn: npt.NDArray[np.float64] = truncnorm.ppf(
            np.array(uniforms), -centres / widths, (1 - centres) / widths, loc=centres, scale=widths
        )
        return drawn

"""HpBandSter's configuration generator behind a fence: own random state, own log, own types.

`hpbandster.optimizers.config_generators.bohb.BOHB` (Falkner, Klein and Hutter, 2018) draws from numpy's global
generator, turns every exception into a random sample and answers with numpy's types. `DensityModel` gives `proposer.py`
the same numbers without any of that: same seed and same results, same configuration as from the class itself.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ConfigSpace
import numpy as np
import numpy.typing as npt

from nago_orchestrator.domain.proposals import Origin
from nago_orchestrator.domain.space import Dimension, IntegerRange
from nago_orchestrator.search.proposers.bohb.density import QuickGenerator
from nago_orchestrator.search.proposers.bohb.hpbandster_classes import Job
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions

Configuration = dict[str, float | int]
"""Searched values by name."""

_LOGGER = logging.getLogger(__name__)
_FENCE = threading.RLock()
"""Held whenever HpBandSter runs: it uses what belongs to the whole process, the generator and the warning filters."""

_SEED_WORDS = 5
"""Of 32 bits: four for numpy's global generator, one for ConfigSpace's own."""


class DensityModel:
    """Kernel densities of good and bad configurations at each fidelity; the highest with a model proposes."""

    def __init__(self, dimensions: tuple[Dimension, ...], options: ModelOptions) -> None:
        self._log = _FailureLog()
        with _quiet():
            self._space = configuration_space(dimensions)
            self._generator = QuickGenerator(
                self._space,
                min_points_in_model=options.min_points_in_model,
                top_n_percent=options.top_n_percent,
                num_samples=options.num_samples,
                random_fraction=options.random_fraction,
                bandwidth_factor=options.bandwidth_factor,
                min_bandwidth=options.min_bandwidth,
                logger=self._log.logger,
            )

    def draw(self, seed: np.random.SeedSequence, fidelity: int) -> tuple[Configuration, Origin]:
        """A configuration, and whether a model really chose it."""
        self._fit()
        words = seed.generate_state(_SEED_WORDS)
        self._log.clear()
        with global_generator(words[:-1]), _quiet():
            self._space.seed(int(words[-1]))
            sample, info = self._generator.get_config(fidelity)
        failed = self._log.failed()
        chosen = info["model_based_pick"] and not failed
        return dict(sample), Origin.MODEL if chosen else Origin.RANDOM

    def learn(self, configuration: Configuration, fidelity: int, loss: float) -> None:
        """An infinite loss counts as bad; a fidelity below one that has a model is dropped, as HpBandSter does.

        A fit that no draw has seen is overwritten by the next one. So only the first fit of a fidelity, which decides
        what is dropped, happens here; all others wait for `draw`.
        """
        if fidelity <= self._generator.largest_budget_with_model():
            self._generator.note(configuration, fidelity, loss)
            return
        with _quiet():
            self._generator.new_result(_job(configuration, fidelity, loss))

    def points(self) -> Mapping[int, int]:
        """How many evaluations it holds, by fidelity; those that were dropped do not count."""
        return {fidelity: len(losses) for fidelity, losses in sorted(self._generator.losses.items())}

    @property
    def fidelity(self) -> int | None:
        """Where the model in use was fitted; None while there is none."""
        return max(self._generator.kde_models, default=None)

    def _fit(self) -> None:
        """With all that was noted since; the newest comes last, as a result that is fitted."""
        newest = self._generator.take_noted()
        if newest is not None:
            with _quiet():
                self._generator.new_result(_job(*newest))


def _job(configuration: Configuration, fidelity: int, loss: float) -> Job:
    job = Job(None, config=configuration, budget=fidelity)
    job.result = {"loss": loss}
    return job


def configuration_space(dimensions: tuple[Dimension, ...]) -> ConfigSpace.ConfigurationSpace:
    """The searched dimensions in ConfigSpace's words; values that are fixed do not appear in it."""
    space = ConfigSpace.ConfigurationSpace()
    for item in dimensions:
        kind = (
            ConfigSpace.UniformIntegerHyperparameter
            if isinstance(item, IntegerRange)
            else ConfigSpace.UniformFloatHyperparameter
        )
        space.add(kind(item.name, lower=item.low, upper=item.high))
    return space


@contextmanager
def global_generator(words: npt.NDArray[np.unsignedinteger[Any]]) -> Iterator[None]:
    """numpy's global generator, seeded with `words` inside and as it was before outside, for one thread at a time."""
    with _FENCE:
        state = np.random.get_state()  # noqa: NPY002  # HpBandSter draws from nothing else
        np.random.seed(words)  # noqa: NPY002  # as above
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002  # as above


@contextmanager
def _quiet() -> Iterator[None]:
    """HpBandSter uses names that ConfigSpace 1 announces to drop; the versions are pinned."""
    with _FENCE, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


class _FailureLog(logging.Handler):
    """Hears HpBandSter's warnings: the only trace that its bare `except` clauses leave."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.logger = logging.Logger("hpbandster.fenced", logging.WARNING)
        self.logger.addHandler(self)
        self.clear()

    def clear(self) -> None:
        self._error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        _LOGGER.warning("HpBandSter: %s", record.getMessage())
        error = sys.exception()
        if self._error is None or (error is not None and not isinstance(error, Exception)):
            self._error = error

    def failed(self) -> bool:
        """Whether an exception was swallowed. Raises it if it was no error but e.g. Ctrl-C."""
        if self._error is not None and not isinstance(self._error, Exception):
            raise self._error
        return self._error is not None

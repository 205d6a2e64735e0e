"""Successive Halving brackets in flight: what runs next at which fidelity, by HpBandSter's own iterations.

`proposer.py` drives it as `hpbandster.core.master.Master.run` does, but by calls instead of by threads and sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nago_orchestrator.search.proposers.bohb.hpbandster_classes import Job, SuccessiveHalving
from nago_orchestrator.search.proposers.hyperband import bracket_shape, check_fidelities, planned_runs

Configuration = dict[str, float | int]
Sampler = Callable[[int], Configuration]
"""Fidelity -> a new configuration for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One configuration at one fidelity."""

    key: tuple[int, int, int]
    """HpBandSter's id of the configuration: bracket, rung where it was born, slot."""
    rung: int
    """Of this run, from 0 for the bracket's lowest fidelity."""
    fidelity: int
    configuration: Configuration


class Brackets:
    """Hyperband's brackets, started one after the other whenever those in flight have nothing to run."""

    def __init__(self, fidelities: tuple[int, ...], count: int) -> None:
        check_fidelities(fidelities)
        self._fidelities = fidelities
        self._count = count
        self._started = 0
        self._active: dict[int, SuccessiveHalving] = {}
        """Those that are not finished, by number, in the order in which they were started."""
        self._sampler: Sampler | None = None

    @property
    def started(self) -> int:
        return self._started

    @property
    def planned_runs(self) -> int:
        """In all brackets together. Crashed runs do not change it: HpBandSter fills their places at the next rung."""
        return sum(planned_runs(self._fidelities, self._count).values())

    @property
    def finished(self) -> bool:
        return self.started == self._count and not self._active

    def next_run(self, sampler: Sampler) -> Run | None:
        """The first bracket in flight that has a run, else a new bracket; None if all must wait or are finished.

        `sampler` is called at most once, and only if the run is of a new configuration.
        """
        self._sampler = sampler
        while True:
            run = self._from_active()
            if run is not None or self.started == self._count:
                return run
            self._start()

    def report(self, run: Run, loss: float) -> None:
        """An infinite loss takes the configuration out of its bracket."""
        job = Job(run.key, config=run.configuration, budget=run.fidelity)
        job.result = {"loss": loss}
        self._active[run.key[0]].register_result(job)

    def _from_active(self) -> Run | None:
        for bracket in self._active.values():
            found = bracket.get_next_run()
            if found is not None:
                key, configuration, fidelity = found
                self._forget_finished()
                return Run(key=key, rung=bracket.stage, fidelity=fidelity, configuration=configuration)
        self._forget_finished()
        return None

    def _forget_finished(self) -> None:
        self._active = {number: bracket for number, bracket in self._active.items() if not bracket.is_finished}

    def _start(self) -> None:
        shape = bracket_shape(self._fidelities, self.started)
        bracket = SuccessiveHalving(
            HPB_iter=self.started, num_configs=shape.sizes, budgets=shape.fidelities, config_sampler=self._sample
        )
        self._active[self._started] = bracket
        self._started += 1

    def _sample(self, fidelity: int) -> tuple[Configuration, dict[str, object]]:
        if self._sampler is None:
            raise RuntimeError("a bracket asked for a configuration outside next_run")
        return self._sampler(fidelity), {}

from __future__ import annotations

import math

import pytest

from nago_orchestrator.search.proposers.bohb.brackets import Brackets, Configuration, Run


class Counter:
    """Samples 0, 1, 2, ... and remembers the fidelities it was asked for."""

    def __init__(self) -> None:
        self.fidelities: list[int] = []

    def __call__(self, fidelity: int) -> Configuration:
        self.fidelities.append(fidelity)
        return {"x": len(self.fidelities) - 1}


def take(brackets: Brackets, sampler: Counter, count: int) -> list[Run]:
    runs = [brackets.next_run(sampler) for _ in range(count)]
    return [run for run in runs if run is not None]


def test_the_best_of_a_rung_climb() -> None:
    brackets, sampler = Brackets((1, 2, 4), 1), Counter()
    for run, loss in zip(take(brackets, sampler, 4), (3.0, 1.0, 2.0, 4.0), strict=True):
        brackets.report(run, loss)
    promoted = take(brackets, sampler, 2)
    assert [(run.configuration["x"], run.rung, run.fidelity) for run in promoted] == [(1, 1, 2), (2, 1, 2)]
    assert sampler.fidelities == [1, 1, 1, 1]


def test_the_next_bracket_starts_while_a_rung_is_unfinished() -> None:
    brackets, sampler = Brackets((1, 2), 2), Counter()
    assert [run.key[0] for run in take(brackets, sampler, 9)] == [0, 0, 1, 1]
    assert not brackets.finished


def test_crashed_places_are_filled_at_the_next_rung() -> None:
    brackets, sampler = Brackets((1, 2, 4), 1), Counter()
    for run in take(brackets, sampler, 4):
        brackets.report(run, math.inf if run.key[2] else 1.0)
    runs = take(brackets, sampler, 2)
    assert [(run.key, run.fidelity) for run in runs] == [((0, 0, 0), 2), ((0, 1, 1), 2)]


@pytest.mark.parametrize("crash", [False, True])
def test_planned_runs_are_all_runs(crash: bool) -> None:
    brackets, sampler, runs = Brackets((1, 3, 9), 5), Counter(), 0
    while (run := brackets.next_run(sampler)) is not None:
        brackets.report(run, math.inf if crash else float(runs))
        runs += 1
    assert runs == brackets.planned_runs
    assert brackets.finished

from __future__ import annotations

from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import TrialRow
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.report.figures.infeasible import all_infeasible, reason_sentence
from tests.rows import evaluation_row, trial_row

TOO_BIG = "the architecture has {} parameters at width 1, above the limit of 10"


def trial(message: str | None, state: TrialState = TrialState.INFEASIBLE) -> TrialRow:
    return trial_row(state=state, last_message=message)


def test_only_of_a_search_of_which_nothing_could_be_trained_is_something_said() -> None:
    bad, good = evaluation_row(outcome=Outcome.INFEASIBLE), evaluation_row()
    assert all_infeasible([bad] * 12) == "12 evaluations, all infeasible."
    assert all_infeasible([bad, good]) is None
    assert all_infeasible([]) is None


def test_reasons_that_differ_in_their_figures_are_one() -> None:
    trials = [
        trial("no graph"),
        *(trial(TOO_BIG.format(count)) for count in ("220", "1,300", "96")),
        trial(None, TrialState.SUCCEEDED),
    ]
    assert reason_sentence(trials) == f"Reason of 3 of 4 trials, for example: {TOO_BIG.format(220)}."
    assert reason_sentence([trial(None)]) is None

"""The key `continue` of searches with rungs."""

from __future__ import annotations

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.spec.search import continues

BEGINNING = """\
name: small
search: {algorithm: bohb, iterations: 8, continue: true}
fidelities: [3, 6, 12]
trainer:
  dataset: {name: digits}
"""


def study(text: str) -> StudySpec:
    return parse_study_spec(text, "study.yaml")


def phases(*searches: str) -> str:
    return BEGINNING.replace(
        "{algorithm: bohb, iterations: 8, continue: true}", f"{{algorithm: phases, phases: [{', '.join(searches)}]}}"
    )


BOHB, CONTINUED = "{algorithm: bohb, iterations: 3}", "{algorithm: bohb, iterations: 3, continue: true}"


def test_it_is_off_unless_it_is_said() -> None:
    spec = study(BEGINNING)
    assert continues(spec.search)
    assert StudySpec.from_canonical(spec.canonical()) == spec
    assert not continues(study(BEGINNING.replace(", continue: true", "")).search)
    assert continues(study(phases(CONTINUED, "{algorithm: mobo, evaluations: 20}")).search)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            BEGINNING.replace("continue: true", "continue: 3"),
            "search.continue must be true or false, found the number 3",
        ),
        (BEGINNING.replace("bohb, iterations", "random, proposals"), "continue"),
        (phases(BOHB, CONTINUED), "fidelities mean two things to phases with and without `continue: true`"),
        (
            phases(CONTINUED, "{algorithm: mobo, evaluations: 20, fidelity: 6}"),
            "fidelities mean two things: 6 epochs are a whole run for the phase by mobo, and a part of one of 12 for",
        ),
        (
            f"{BEGINNING}execution: {{where: kubernetes, kubernetes: {{image: nago}}}}\n",
            "lacks the section kubernetes.checkpoints, which search.continue needs",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=r"study\.yaml") as refused:
        study(text)
    assert sentence in str(refused.value)

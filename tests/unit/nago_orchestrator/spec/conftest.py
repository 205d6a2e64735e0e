from __future__ import annotations

import pytest

SMALL_STUDY = """\
name: small
search: {algorithm: bohb, iterations: 8}
fidelities: [3, 6, 12]
trainer:
  dataset: {name: digits}
"""


@pytest.fixture
def small_study() -> str:
    """The least that a study file must say; line 6 is free, inside `trainer` if indented."""
    return SMALL_STUDY

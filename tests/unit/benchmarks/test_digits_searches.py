"""What the searches on digits share, and what becomes of their rows."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from benchmarks.digits_fronts import BOX, FULL, Row, median_front, share_of_box
from benchmarks.digits_picture import draw
from benchmarks.digits_searches import EPOCHS, ROWS, SEARCHES, STUDY
from benchmarks.rows import append_rows, read_rows
from nago_orchestrator.search.proposers.hyperband import bracket_shape
from nago_orchestrator.spec.load import parse_study_spec
from nago_orchestrator.spec.search import BohbSection, MobohbSection, phases_of


def row(seed: int, error: float, memory: float, *, epochs: int = FULL, again: bool = False) -> Row:
    return Row(
        search="random",
        seed=seed,
        proposal=0,
        phase=0,
        epochs=epochs,
        origin="random",
        again=again,
        networks=1,
        error=error,
        memory=memory,
    )


@pytest.mark.parametrize("search", SEARCHES)
def test_every_search_spends_the_same_epochs_within_the_same_box(search: str) -> None:
    spec = parse_study_spec(yaml.safe_dump({**yaml.safe_load(STUDY.read_text()), "search": SEARCHES[search]}), search)
    spent = 0
    for phase in phases_of(spec.search):
        if isinstance(phase, BohbSection | MobohbSection):
            shapes = [bracket_shape(spec.fidelities, number) for number in range(phase.iterations)]
            spent += sum(np.dot(shape.sizes, shape.fidelities) for shape in shapes)
        else:
            spent += FULL * (phase.proposals if phase.algorithm == "random" else phase.evaluations)
    assert spent == EPOCHS
    assert spec.fidelities[-1] == FULL
    assert tuple(objective.reference for objective in spec.objectives) == BOX


def test_the_hypervolume_counts_the_full_fidelity_of_one_seed_alone() -> None:
    inside = row(1, BOX[0] / 2, BOX[1] / 2)
    others = [row(1, 0.0, 0.0, epochs=1), row(1, 0.0, 0.0, again=True), row(2, 0.0, 0.0)]
    assert share_of_box([inside, *others], 1, again=False) == pytest.approx(0.25)


def test_the_median_front_is_what_half_of_the_seeds_attain() -> None:
    rows = [row(1, 0.01, 100.0), row(2, 0.03, 200.0), row(2, 0.02, 300.0), row(3, 0.1, 400.0)]
    assert median_front(rows, again=False).tolist() == [[0.03, 200.0], [0.02, 300.0]]


def test_rows_survive_their_file(tmp_path: Path) -> None:
    rows = [row(1, 0.0125, 4096.0), row(2, 0.5, 12.0, again=True)]
    for one in rows:
        append_rows([one], Row, tmp_path / "rows.csv")
    assert read_rows(Row, tmp_path / "rows.csv") == rows


def test_the_kept_rows_are_of_every_search_and_can_be_drawn() -> None:
    rows = read_rows(Row, ROWS)
    seeds = {row.seed for row in rows}
    assert {(row.search, row.seed) for row in rows} == {(search, seed) for search in SEARCHES for seed in seeds}
    picture = ElementTree.fromstring(draw(rows, list(SEARCHES)))
    labels = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert set(SEARCHES) <= labels

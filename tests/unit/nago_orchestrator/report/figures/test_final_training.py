from __future__ import annotations

from nago_orchestrator.domain.final_rows import FinalNetwork
from nago_orchestrator.report.figures.final_training import final_training
from tests.rows import evaluation_row, fully_trained
from tests.rows import final_training as training_of


def trial(number: int, accuracy: float | None) -> FinalNetwork:
    network = None if accuracy is None else f"/in/the/pod/{number}.pt"
    return fully_trained(number, validation_accuracy=accuracy, network=network)


TRAINED = [
    training_of(3, 30, [trial(0, 0.9), trial(1, 0.92), trial(2, None)]),
    training_of(4, 30, [trial(3, 0.95)]),
    training_of(5, 30, [trial(4, None)]),
]
PLACES = {0: "0.pt", 1: "1.pt", 3: "3.pt"}
SEARCH = [
    evaluation_row(3, objective_values={"error": 0.2}),
    evaluation_row(4, objective_values={"accuracy": 0.7}),
]


def test_each_generator_is_a_box_with_its_networks_the_best_mean_first() -> None:
    panel = final_training(TRAINED, SEARCH, PLACES)
    assert panel is not None
    assert panel.figure is not None
    boxes = [trace for trace in panel.figure.data if trace.type == "box"]
    assert [list(box.y) for box in boxes] == [[0.95], [0.9, 0.92]]
    assert panel.note == "2 of 5 networks without an accuracy so far."


def test_what_the_search_had_seen_stands_beside_it() -> None:
    panel = final_training(TRAINED, SEARCH, PLACES)
    assert panel is not None
    assert panel.figure is not None
    assert list(panel.figure.data[-1].y) == [0.7, 0.8]


def test_the_table_has_mean_spread_and_the_best_network() -> None:
    panel = final_training(TRAINED, SEARCH, PLACES)
    assert panel is not None
    assert panel.table is not None
    assert panel.table.rows[1] == (
        "proposal 3",
        "30",
        "3",
        "2",
        "91.00 %",
        "1.41 %",
        "100 B",
        "7",
        "92.00 %",
        "1",
        "1.pt",
    )
    assert panel.table.rows[2] == ("proposal 5", "30", "1", "0", "-", "-", "100 B", "7", "-", "-", "-")


def test_trainings_that_have_not_ended_have_words_and_none_has_no_panel() -> None:
    panel = final_training(TRAINED[2:], SEARCH, PLACES)
    assert panel is not None
    assert panel.figure is None
    assert panel.note
    assert final_training([], SEARCH, PLACES) is None

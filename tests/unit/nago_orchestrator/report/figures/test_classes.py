from __future__ import annotations

from dataclasses import replace

from nago_orchestrator.report.figures.classes import MOST_DRAWN, classes
from nago_trainer.contract.class_details import ClassDetails

DETAILS = ClassDetails(
    measured_on="test",
    class_names=("ant", "bee", "cat"),
    images=(4, 2, 0),
    correct=(2, 2, 0),
    confusions=((0, 1, 1), (0, 2, 1)),
    misclassified=(("ant/1.png", 0, 1, 0.9),),
)


def test_networks_are_added_up_and_the_worst_class_comes_first() -> None:
    other = replace(DETAILS, correct=(1, 2, 0), confusions=((0, 2, 3),))
    panel = classes({7: DETAILS, 8: other})
    assert panel is not None
    assert panel.table is not None
    assert panel.figure is not None
    assert panel.table.rows == (("ant", "4", "37.50 %", "cat"), ("bee", "2", "100.00 %", "-"))
    assert list(panel.figure.data[0].z[0]) == [3 / 8, 1 / 8, 4 / 8]
    assert "Of 2 networks, on the test images" in (panel.note or "")
    assert "show 7 --details" in (panel.note or "")


def test_very_many_classes_are_listed_and_not_drawn() -> None:
    count = MOST_DRAWN + 1
    many = ClassDetails(
        measured_on="test",
        class_names=tuple(map(str, range(count))),
        images=(1,) * count,
        correct=(1,) * count,
        confusions=(),
        misclassified=(),
    )
    panel = classes({1: many})
    assert panel is not None
    assert panel.table is not None
    assert (panel.figure, len(panel.table.rows)) == (None, 20)


def test_without_details_there_is_no_panel() -> None:
    assert classes({}) is None

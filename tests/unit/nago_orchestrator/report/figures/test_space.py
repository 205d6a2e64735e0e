from __future__ import annotations

import pytest

from nago_orchestrator.drawing.picture import Box, Label, Picture
from nago_orchestrator.drawing.svg import picture_to_svg
from nago_orchestrator.formatting.quantities import size
from nago_orchestrator.report.figures.space import BINS, EMPTY, Axis, SpaceSample, axis_over, compose_spaces, summary


def picture(*samples: SpaceSample) -> Picture:
    return compose_spaces(samples, title="spaces", note="a note")


def sample(name: str, *values: float) -> SpaceSample:
    return SpaceSample(name=name, values={"bytes_per_sample": values, "nodes": values})


def bars(drawn: Picture, colour: str = "#0072b2") -> list[Box]:
    return [shape for shape in drawn.shapes if isinstance(shape, Box) and shape.fill == colour]


def test_every_space_has_a_row_with_its_range_for_each_quantity() -> None:
    drawn = picture(sample("wide", 10.0, 1000.0, 4000.0), sample("narrow", 100.0))
    texts = [shape.text for shape in drawn.shapes if isinstance(shape, Label)]
    assert "wide: 10 B to 4 kB, median 1 kB" in texts
    assert "wide: 10 to 4,000, median 1,000" in texts
    assert "narrow: 100 B" in texts


def test_all_shapes_lie_on_the_picture() -> None:
    drawn = picture(sample("a", *range(1, 300)), sample("b", 5.0), sample("c"))
    for box in (shape for shape in drawn.shapes if isinstance(shape, Box)):
        assert 0 <= box.corner[0] <= box.corner[0] + box.width <= drawn.width
        assert 0 <= box.corner[1] <= box.corner[1] + box.height <= drawn.height


def test_bars_are_as_high_as_their_share() -> None:
    heights = [bar.height for bar in bars(picture(sample("a", 1.0, 1.0, 1.0, 1.0, 100.0)))][:2]
    assert heights[0] == pytest.approx(4 * heights[1])


def test_equal_values_share_one_bar() -> None:
    assert len(bars(picture(sample("a", *[96.0] * 50)))) == 2


def test_a_space_without_a_feasible_draw_says_so() -> None:
    drawn = picture(sample("none"))
    assert bars(drawn) == []
    assert "none: no feasible sample" in picture_to_svg(drawn)
    texts = [shape.text for shape in drawn.shapes if isinstance(shape, Label)]
    assert texts.count(EMPTY) == 2
    assert "1 B" not in texts


def test_beside_a_space_with_feasible_draws_one_without_shares_the_axis() -> None:
    texts = [
        shape.text for shape in picture(sample("none"), sample("some", 20.0, 500.0)).shapes if isinstance(shape, Label)
    ]
    assert texts.count(EMPTY) == 2
    assert "100 B" in texts


def test_names_are_escaped() -> None:
    assert "a &amp; b &lt;c&gt;" in picture_to_svg(picture(sample("a & b <c>", 1.0)))


def test_an_axis_is_logarithmic_and_holds_its_values() -> None:
    axis = axis_over([9.0, 30.0, 1000.0], left=50.0, width=400.0)
    assert axis.at(30.0) - axis.at(10.0) == pytest.approx(axis.at(300.0) - axis.at(100.0))
    assert [axis.bin_of(9.0) >= 0, axis.bin_of(1000.0) < BINS] == [True, True]
    assert list(axis.ticks()) == [10, 20, 50, 100, 200, 500, 1000]


@pytest.mark.parametrize("values", [[96.0], [96.0, 96.5], []])
def test_an_axis_never_is_without_spread_or_ticks(values: list[float]) -> None:
    axis = axis_over(values, left=0.0, width=100.0)
    assert axis.high / axis.low > 1.2
    assert list(axis.ticks())


def test_an_axis_over_many_powers_has_few_ticks() -> None:
    assert len(list(Axis(low=1.0, high=1e9, left=0.0, width=100.0).ticks())) <= 15


def test_a_summary_of_equal_values_is_the_value() -> None:
    assert summary([2000.0, 2000.0], size) == "2 kB"

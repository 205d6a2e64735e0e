from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from PIL import Image

from nago_orchestrator.drawing import draw_png, draw_svg
from nago_orchestrator.drawing.compose import compose
from nago_orchestrator.drawing.picture import Box, Curve, Label, Node, Picture
from nago_trainer.architecture import (
    HYPERPARAMETERS,
    Architecture,
    HnagTheta,
    TensorShape,
    build_plan,
    sample_architecture,
)
from nago_trainer.architecture.plan.assemble import stage_shapes

SVG = "{http://www.w3.org/2000/svg}"


def sampled(seed: int = 3, **values: float) -> Architecture:
    defaults = {
        item.name: item.default[1] if isinstance(item.default, tuple) else item.default for item in HYPERPARAMETERS
    }
    return sample_architecture(HnagTheta.from_mapping({**defaults, **values}), seed)


SMALL = sampled(top_nodes=4, mid_nodes=2, bottom_nodes=4, operation_pool3x3=1, merge_concat=1, merge_attention_sum=1)
LARGE = sampled()


def picture(architecture: Architecture) -> Picture:
    return compose(architecture, title="a drawing", notes=("4 nodes",))


def expected_nodes(architecture: Architecture) -> Counter[str]:
    names = [f"top node {number}" for number in range(architecture.dag.nodes)]
    for number, cell in enumerate(architecture.cells):
        names += [f"cell {number} node {node}" for node in range(cell.dag.nodes)]
        for node, bottom in enumerate(cell.nodes):
            names += [f"cell {number} graph {node} node {place}" for place in range(bottom.dag.nodes)]
    return Counter(names)


def expected_edges(architecture: Architecture) -> Counter[str]:
    names = [f"top edge {low} {high}" for low, high in architecture.dag.edges]
    for number, cell in enumerate(architecture.cells):
        names += [f"cell {number} edge {low} {high}" for low, high in cell.dag.edges]
        for node, bottom in enumerate(cell.nodes):
            names += [f"cell {number} graph {node} edge {low} {high}" for low, high in bottom.dag.edges]
    return Counter(names)


def test_every_node_and_edge_of_all_levels_is_drawn_once() -> None:
    shapes = picture(SMALL).shapes
    nodes = Counter(shape.name for shape in shapes if isinstance(shape, Node) and " node " in shape.name)
    edges = Counter(shape.name for shape in shapes if isinstance(shape, Curve) and " edge " in shape.name)
    assert nodes == expected_nodes(SMALL)
    assert edges == expected_edges(SMALL)


def test_of_a_large_architecture_all_cells_and_the_first_bottom_graphs_are_drawn() -> None:
    shapes = picture(LARGE).shapes
    nodes = Counter(shape.name for shape in shapes if isinstance(shape, Node) and " node " in shape.name)
    upper = Counter({name: count for name, count in expected_nodes(LARGE).items() if " graph " not in name})
    assert set(nodes.values()) == {1}
    assert upper <= nodes < expected_nodes(LARGE)
    texts = [shape.text for shape in shapes if isinstance(shape, Label)]
    assert any(text.startswith("Bottom graphs: the first ") and text.endswith(" of 100") for text in texts)


@pytest.mark.parametrize("architecture", [SMALL, LARGE], ids=["small", "large"])
def test_everything_lies_on_the_paper(architecture: Architecture) -> None:
    paper = picture(architecture)
    for shape in paper.shapes:
        if isinstance(shape, Box):
            right, bottom = shape.corner[0] + shape.width, shape.corner[1] + shape.height
        elif isinstance(shape, Node):
            right, bottom = shape.centre[0] + shape.radius, shape.centre[1] + shape.radius
        elif isinstance(shape, Curve):
            right, bottom = max(x for x, _ in shape.route), max(y for _, y in shape.route)
        else:
            right, bottom = shape.at
        assert right <= paper.width
        assert bottom <= paper.height


@pytest.mark.parametrize("architecture", [SMALL, LARGE], ids=["small", "large"])
def test_cards_do_not_overlap(architecture: Architecture) -> None:
    boxes = [shape for shape in picture(architecture).shapes if isinstance(shape, Box)]
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            (x1, y1), (x2, y2) = one.corner, other.corner
            assert x1 + one.width <= x2 or x2 + other.width <= x1 or y1 + one.height <= y2 or y2 + other.height <= y1


def test_colours_tell_operations_and_outlines_tell_merges() -> None:
    nodes = {shape.name: shape for shape in picture(SMALL).shapes if isinstance(shape, Node)}
    looks: dict[str, set[str]] = {}
    for number, cell in enumerate(SMALL.cells):
        for node, bottom in enumerate(cell.nodes):
            for place, (operation, merge) in enumerate(zip(bottom.operations, bottom.merges, strict=True)):
                drawn = nodes[f"cell {number} graph {node} node {place}"]
                looks.setdefault(operation, set()).add(drawn.fill)
                looks.setdefault(merge, set()).add(drawn.outline)
    assert all(len(found) == 1 for found in looks.values())
    assert len({look for found in looks.values() for look in found}) == len(looks) == 5


def test_the_svg_is_valid_and_tells_what_the_caller_said() -> None:
    root = ET.fromstring(draw_svg(SMALL, title="<trial> & 17", notes=("56 nodes", "4,711 parameters")))
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert root.findtext(f"{SVG}title") == "<trial> & 17"
    assert {"<trial> & 17", "56 nodes  ·  4,711 parameters", "Top graph: 4 cells in 3 stages"} <= texts
    assert len(list(root.iter(f"{SVG}path"))) == sum(isinstance(shape, Curve) for shape in picture(SMALL).shapes)


def test_the_same_architecture_gives_the_same_picture() -> None:
    again = Architecture.from_json(SMALL.to_json())
    assert draw_svg(SMALL, title="x") == draw_svg(again, title="x")
    assert draw_png(SMALL, title="x") == draw_png(again, title="x")


def test_the_png_has_the_shape_of_the_svg_and_its_colours() -> None:
    paper = picture(SMALL)
    with Image.open(io.BytesIO(draw_png(SMALL, title="x"))) as image:
        assert image.format == "PNG"
        assert image.width == 2 * paper.width
        assert abs(image.height - 2 * paper.height) <= 1
        node = next(
            shape for shape in paper.shapes if isinstance(shape, Node) and shape.name == "cell 0 graph 0 node 0"
        )
        pixel = image.getpixel((round(2 * node.centre[0]), round(2 * node.centre[1])))
    assert isinstance(pixel, tuple)
    assert "#" + "".join(f"{int(channel):02x}" for channel in pixel) == node.fill


@pytest.mark.parametrize("image_size", [8, 32, 64, 224])
@pytest.mark.parametrize("width", [1, 3, 40])
def test_the_stages_notes_are_what_the_plan_has(image_size: int, width: int) -> None:
    image = TensorShape(channels=3, size=image_size)
    shapes = stage_shapes(SMALL, image, width)
    assert set(shapes) == set(SMALL.stages)
    assert set(shapes.values()) <= set(build_plan(SMALL, image, 10, width).tensors)


def test_notes_of_the_stages_are_drawn() -> None:
    drawn = draw_svg(SMALL, title="x", stages=stage_shapes(SMALL, TensorShape(channels=3, size=32), 64))
    assert all(f">{text}<" in drawn for text in ("32 × 32 pixels", "16 channels", "8 × 8 pixels", "64 channels"))

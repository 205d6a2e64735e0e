"""Several pictures on one sheet, each made smaller to its place in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nago_orchestrator.drawing.graph_layout import Point
from nago_orchestrator.drawing.palette import BACKGROUND
from nago_orchestrator.drawing.picture import Box, Curve, Label, Node, Picture, Shape

COLUMNS = 3
SHARE = 0.6
"""Size of a picture on the sheet."""


def arrange(pictures: Sequence[Picture], *, title: str) -> Picture:
    """In rows of three; each row is as high as its highest picture."""
    shapes: list[Shape] = []
    width = max(picture.width for picture in pictures) * SHARE
    top = 0.0
    for start in range(0, len(pictures), COLUMNS):
        row = pictures[start : start + COLUMNS]
        for column, picture in enumerate(row):
            shapes += [_placed(shape, (column * width, top)) for shape in picture.shapes]
        top += max(picture.height for picture in row) * SHARE
    columns = min(COLUMNS, len(pictures))
    return Picture(width=columns * width, height=top, background=BACKGROUND, shapes=tuple(shapes), title=title)


def _placed(shape: Shape, corner: Point) -> Shape:
    def at(point: Point) -> Point:
        return corner[0] + point[0] * SHARE, corner[1] + point[1] * SHARE

    match shape:
        case Box():
            return replace(
                shape,
                corner=at(shape.corner),
                width=shape.width * SHARE,
                height=shape.height * SHARE,
                radius=shape.radius * SHARE,
            )
        case Curve():
            route = tuple(at(point) for point in shape.route)
            return replace(shape, route=route, thickness=shape.thickness * SHARE)
        case Node():
            return replace(shape, centre=at(shape.centre), radius=shape.radius * SHARE)
        case Label():
            return replace(shape, at=at(shape.at), size=shape.size * SHARE)

"""A picture as PNG bytes, by Pillow: drawn larger and scaled down, so that all lines are smooth."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from nago_orchestrator.drawing.picture import Anchor, Box, Curve, Label, Node, Outline, Picture, Shape

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SHARPNESS = 2
"""Drawn this many times as large as the result."""
STEPS = 14
"""Straight pieces of a curve's segment."""
MOST_PIXELS = 40_000_000
_REPLACED = str.maketrans({"×": "x", "–": "-", "—": "-", "…": "..."})


def picture_to_png(picture: Picture, *, scale: float = 2.0) -> bytes:
    """`scale` pixels per unit of the picture, fewer for a huge one. Raises ImportError without Pillow."""
    from PIL import Image, ImageDraw  # here, because Pillow is optional

    factor = SHARPNESS * min(scale, (MOST_PIXELS / (picture.width * picture.height)) ** 0.5 / SHARPNESS)
    size = round(picture.width * factor), round(picture.height * factor)
    image = Image.new("RGB", size, picture.background)
    pen = ImageDraw.Draw(image)
    for shape in picture.shapes:
        _draw(pen, shape, factor)
    buffer = io.BytesIO()
    image.reduce(SHARPNESS).save(buffer, "PNG")
    return buffer.getvalue()


def _draw(pen: ImageDraw, shape: Shape, factor: float) -> None:
    match shape:
        case Box():
            _draw_box(pen, shape, factor)
        case Curve():
            _draw_curve(pen, shape, factor)
        case Node():
            _draw_node(pen, shape, factor)
        case Label():
            _draw_label(pen, shape, factor)


def _draw_box(pen: ImageDraw, box: Box, factor: float) -> None:
    x, y = box.corner
    area = [x * factor, y * factor, (x + box.width) * factor, (y + box.height) * factor]
    pen.rounded_rectangle(area, radius=box.radius * factor, fill=box.fill, outline=box.stroke, width=round(factor))


def _draw_curve(pen: ImageDraw, curve: Curve, factor: float) -> None:
    first = curve.route[0]
    points = [first]
    for start, control1, control2, end in curve.segments():
        for step in range(1, STEPS + 1):
            t = step / STEPS
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            corners = start, control1, control2, end
            points.append(
                (
                    sum(weight * corner[0] for weight, corner in zip(weights, corners, strict=True)),
                    sum(weight * corner[1] for weight, corner in zip(weights, corners, strict=True)),
                )
            )
    scaled = [(x * factor, y * factor) for x, y in points]
    pen.line(scaled, fill=curve.stroke, width=max(1, round(curve.thickness * factor)))


def _draw_node(pen: ImageDraw, node: Node, factor: float) -> None:
    width = max(1, round(factor))
    if node.outline is Outline.CIRCLE:
        x, y = node.centre
        pen.circle((x * factor, y * factor), node.radius * factor, fill=node.fill, outline=node.stroke, width=width)
        return
    # An outline that is wider than one pixel takes Pillow's polygon 40 ms; two filled ones are quick.
    pen.polygon([(x * factor, y * factor) for x, y in node.corners()], fill=node.stroke)
    inner = replace(node, radius=node.radius - width / factor)
    pen.polygon([(x * factor, y * factor) for x, y in inner.corners()], fill=node.fill)


def _draw_label(pen: ImageDraw, label: Label, factor: float) -> None:
    x, y = label.at
    anchor = "mm" if label.anchor is Anchor.MIDDLE else "lm"
    boldness = label.size * factor / 60 if label.bold else 0.0
    pen.text(
        (x * factor, y * factor),
        _plain(label.text),
        font_size=label.size * factor,
        fill=label.colour,
        anchor=anchor,
        stroke_width=boldness,
    )


def _plain(text: str) -> str:
    """What Pillow's own font has: ASCII and the middle dot."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_REPLACED))
    return "".join(char for char in decomposed if char.isascii() or char == "·")

"""A picture as SVG text, self-contained: shapes and texts only, no scripts, fonts by family."""

from __future__ import annotations

from html import escape

from nago_orchestrator.drawing.picture import Box, Curve, Label, Node, Outline, Picture, Shape

FONTS = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def picture_to_svg(picture: Picture) -> str:
    width, height = _number(picture.width), _number(picture.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONTS}" role="img">',
        f"<title>{escape(picture.title)}</title>",
        f'<rect width="{width}" height="{height}" fill="{picture.background}"/>',
        *map(_shape, picture.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Curve():
            return _curve(shape)
        case Node():
            return _node(shape)
        case Label():
            return _label(shape)


def _box(box: Box) -> str:
    x, y = map(_number, box.corner)
    size = f'width="{_number(box.width)}" height="{_number(box.height)}" rx="{_number(box.radius)}"'
    stroke = f' stroke="{box.stroke}"' if box.stroke else ""
    return f'<rect x="{x}" y="{y}" {size} fill="{box.fill}"{stroke}/>'


def _curve(curve: Curve) -> str:
    (x, y), *_ = curve.route
    path = [f"M{_number(x)} {_number(y)}"]
    for _, *points in curve.segments():
        path.append("C" + " ".join(f"{_number(x)} {_number(y)}" for x, y in points))
    return f'<path d="{"".join(path)}" fill="none" stroke="{curve.stroke}" stroke-width="{_number(curve.thickness)}"/>'


def _node(node: Node) -> str:
    style = f'fill="{node.fill}" stroke="{node.stroke}"'
    hint = f"<title>{escape(node.hint)}</title>" if node.hint else ""
    if node.outline is Outline.CIRCLE:
        x, y = map(_number, node.centre)
        return f'<circle cx="{x}" cy="{y}" r="{_number(node.radius)}" {style}>{hint}</circle>'
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in node.corners())
    return f'<polygon points="{points}" stroke-linejoin="round" {style}>{hint}</polygon>'


def _label(label: Label) -> str:
    x, y = map(_number, label.at)
    weight = ' font-weight="600"' if label.bold else ""
    place = f'x="{x}" y="{y}" dy="0.35em" text-anchor="{label.anchor}"'
    return f'<text {place} font-size="{_number(label.size)}"{weight} fill="{label.colour}">{escape(label.text)}</text>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
